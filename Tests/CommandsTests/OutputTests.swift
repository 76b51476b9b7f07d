import Formats
import Testing

@testable import Commands

struct JSONPathTests {
    private let list: Value = [
        "items": [
            ["name": "a", "n": 1, "tags": ["x", "y"], "on": true, "m": ["b": 2, "a": 1]],
            ["name": "b", "n": 2, "tags": [], "on": false],
            ["name": "c", "n": 3, "k.8": ["deep": ["name": "d"]]],
        ]
    ]

    @Test(arguments: [
        ("{.items[*].name}", "a b c"), ("{.items[0].name}", "a"), ("{.items[-1].name}", "c"), ("{.items[1:].name}", "b c"),
        ("{.items[0:2].name}", "a b"), ("{.items[-1:].name}", "c"), ("{.items[0,2].name}", "a c"), ("{..name}", "a b c d"),
        ("{.items[?(@.n>1)].name}", "b c"), ("{.items[?(@.name==\"b\")].n}", "2"), ("{.items[?(@.on==true)].name}", "a"),
        ("{.items[?(@.tags)].name}", "a b"), ("{.items[2].k\\.8.deep.name}", "d"), ("{.items[2]['k.8'].deep.name}", "d"),
        ("{range .items[*]}{.name}={.n}{\"\\n\"}{end}", "a=1\nb=2\nc=3\n"), ("{.items[0].m}", "{\"a\":1,\"b\":2}"),
        ("{.nothing}", ""), ("x {.items[0].n} y", "x 1 y"), (".items[0].name", "a"), ("{.items[0]['name','n']}", "a 1"),
    ])
    func `a template prints as kubectl's`(template: String, text: String) throws {
        #expect(try JSONPath(template).text(in: list) == text)
    }

    @Test(arguments: ["{.items[}", "{.items[?(@.n>1].name}", "{range .items[*]}x", "{.a", "{.items['a]}"])
    func `a template that is not complete is refused`(template: String) {
        let error = #expect(throws: CommandError.self) { try JSONPath(template) }
        #expect(error?.exitCode == 2)
    }
}

struct LayoutTests {
    @Test func `a line is cut to the columns of the terminal, and its colours are not counted and not left on`() {
        #expect("abcdef".cut(toColumns: 4) == "abcd")
        #expect("ab\u{1B}[31mcdef\u{1B}[0m".cut(toColumns: 4) == "ab\u{1B}[31mcd\u{1B}[0m")
        #expect("●●●".cut(toColumns: 8) == "●●●")
    }

    @Test func `columns are three spaces apart, and at least six wide`() {
        #expect(TextTable.text([["A", "LONGER", "C"], ["1", "2", "3"]]) == "A     LONGER   C\n1     2        3\n")
        #expect(TextTable.text([["abcdef", "x"], ["1", ""]]) == "abcdef   x\n1        \n")
    }

    @Test func `a column reaches as far as its lines do without a break`() {
        let text = ElasticTabs.layout("Name:\tx\nLonger name:\ty\nPods:\n  a:\tz\nLast:\tq\n")
        #expect(text == "Name:         x\nLonger name:  y\nPods:\n  a:   z\nLast:  q\n")
    }

    @Test func `several columns are as wide as each block needs`() {
        #expect(ElasticTabs.layout("a\tbbb\tc\naaa\tb\tc\nx\n") == "a    bbb  c\naaa  b    c\nx\n")
    }

    @Test func `times are printed with their weekday`() {
        #expect(Description.time("2026-11-21T08:46:17Z") == "Sat, 21 Nov 2026 08:46:17 +0000")
        #expect(Description.time("1970-01-01T00:00:00Z") == "Thu, 01 Jan 1970 00:00:00 +0000")
        #expect(Description.time("2024-02-29T23:59:59Z") == "Thu, 29 Feb 2024 23:59:59 +0000")
    }
}

struct ProgressTests {
    private func deployment(_ replicas: Int64, generation: Int64 = 2, _ status: Value, paused: Bool = false) -> Value {
        [
            "metadata": ["name": "web", "generation": .int(generation)], "spec": ["replicas": .int(replicas), "paused": .bool(paused)],
            "status": status,
        ]
    }

    @Test func `what keeps pods from running is told once a reason, by the first pod that has it`() {
        func pod(_ name: String, _ waiting: Value, conditions: Value = []) -> Value {
            [
                "metadata": ["name": .string(name)],
                "status": ["conditions": conditions, "containerStatuses": [["state": ["waiting": waiting]]]],
            ]
        }
        let missing: Value = ["reason": "RunContainerError", "message": "exec /x: no such file"]
        let unplaced: Value = [
            ["type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"]
        ]
        let pods = [
            pod("b", missing), pod("a", missing), pod("c", ["reason": "ContainerCreating"]), pod("d", [:], conditions: unplaced),
        ]
        #expect(
            Progress.obstacles(pods) == [
                "  pod/a: RunContainerError: exec /x: no such file", "  pod/d: Unschedulable: 0/3 nodes are available",
            ])
        #expect(Progress.obstacles([]).isEmpty)
    }

    @Test func `a rollout is told in kubectl's sentences`() {
        let table: [(Value, String, Bool)] = [
            (["observedGeneration": 1], "Waiting for deployment spec update to be observed...", false),
            (
                ["observedGeneration": 2, "updatedReplicas": 1, "replicas": 3],
                "Waiting for deployment \"web\" rollout to finish: 1 out of 3 new replicas have been updated...", false
            ),
            (
                ["observedGeneration": 2, "updatedReplicas": 3, "replicas": 5],
                "Waiting for deployment \"web\" rollout to finish: 2 old replicas are pending termination...", false
            ),
            (
                ["observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2],
                "Waiting for deployment \"web\" rollout to finish: 2 of 3 updated replicas are available...", false
            ),
            (
                ["observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3],
                "deployment \"web\" successfully rolled out", true
            ),
        ]
        for (status, words, isDone) in table {
            let verdict = Progress.judge(deployment(3, status), nil)
            #expect(verdict.words == words)
            #expect(verdict.isDone == isDone)
        }
        let late: Value = [
            "observedGeneration": 2, "conditions": [["type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"]],
        ]
        #expect(Progress.judge(deployment(3, late), nil).failure == "deployment \"web\" exceeded its progress deadline")
    }

    @Test func `the live view says it in a few words`() {
        #expect(
            Progress.brief(deployment(3, ["observedGeneration": 2, "updatedReplicas": 1, "replicas": 4]))?.words
                == "rolling out: 1 of 3 new, 3 old")
        #expect(
            Progress.brief(deployment(3, ["observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2]))?.words
                == "healing")
        #expect(
            Progress.brief(deployment(3, ["observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3])) == nil)
    }

    @Test func `a service tells where it is reached`() {
        let service: Value = [
            "metadata": ["name": "web"],
            "spec": ["type": "NodePort", "ports": [["name": "http", "port": 80, "nodePort": 30080], ["port": 5432, "nodePort": 30081]]],
        ]
        #expect(
            Progress.entrances(service, expose: "127.0.0.1") == [
                "service/web answers at http://127.0.0.1:30080/", "service/web answers at 127.0.0.1:30081",
            ])
    }
}
