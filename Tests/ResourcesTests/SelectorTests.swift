import Formats
import Testing

@testable import Resources

@Suite struct SelectorTests {
    @Test(arguments: [
        ("", ""), ("app=web", "app=web"), ("app==web", "app=web"), ("app", "app"), ("!app", "!app"), ("app!=web", "app!=web"),
        ("tier in (b,a)", "tier in (a,b)"), ("tier in(a)", "tier=a"), ("tier notin (a, b),app", "app,tier notin (a,b)"), ("x=", "x="),
        ("a.io/b=c , d", "a.io/b=c,d"), ("in=in", "in=in"),
    ]) func `a label query is read and printed in canonical order`(query: String, canonical: String) throws {
        #expect(try LabelSelector(query: query).query == canonical)
    }

    @Test(arguments: ["=x", "a=b,", "a in", "a in (", "a in (b", "a b", "a=b=c", "a=-", "a/b/c=d", ",a", "!", "a>b"])
    func `a broken label query is refused`(query: String) {
        #expect(throws: SelectorError.self) { try LabelSelector(query: query) }
    }

    static let labelsMatchInCases: [(String, [String: String], Bool)] = [
        ("app=web", ["app": "web"], true), ("app!=web", [:], true), ("tier notin (a)", [:], true), ("app", [:], false), ("!app", [:], true),
        ("x=", ["x": ""], true), ("x=", [:], false),
    ]
    @Test(arguments: labelsMatchInCases) func `labels match as in Kubernetes`(query: String, labels: [String: String], matches: Bool) throws
    {
        #expect(try LabelSelector(query: query).matches(labels) == matches)
    }

    @Test func `a selector object reads labels and expressions`() {
        let selector = LabelSelector(object: [
            "matchLabels": ["app": "web"], "matchExpressions": [["key": "tier", "operator": "NotIn", "values": ["db"]]],
        ])
        #expect(selector.query == "app=web,tier!=db")
    }

    @Test func `field queries take escapes, empty values and both operators`() throws {
        let selector = try FieldSelector(query: #"involvedObject.namespace=,reason!=a\,b\=c"#, for: .events)
        #expect(selector.terms.map(\.value) == ["", "a,b=c"])
        #expect(selector.terms.map(\.isEqual) == [true, false])
        #expect(selector.query == #"involvedObject.namespace=,reason!=a\,b\=c"#)
        #expect(selector.matches(["reason": "x"]))
        #expect(try FieldSelector(query: "spec.nodeName==a1", for: .pods).matches(["spec": ["nodeName": "a1"]]))
    }

    @Test func `a field that a kind cannot be selected by is named`() {
        let error = #expect(throws: SelectorError.self) { try FieldSelector(query: "spec.foo=1", for: .pods) }
        #expect(error?.message == "field label not supported: spec.foo")
        #expect(throws: SelectorError.self) { try FieldSelector(query: "metadata.namespace=a", for: .nodes) }
    }

    @Test func `an absent boolean counts as false for selection`() throws {
        #expect(try FieldSelector(query: "spec.unschedulable=false", for: .nodes).matches(["spec": [:]]))
        #expect(try FieldSelector(query: "metadata.name=a", for: .nodes).matches(["metadata": ["name": "a"]]))
    }
}

@Suite struct NamesTests {
    @Test(arguments: ["a", "web-1", "a.b", "1.2", "a-b.c-d", String(repeating: "a", count: 253)])
    func `lower-case labels joined by dots are names`(name: String) { #expect(Names.subdomainProblem(name) == nil) }

    @Test(arguments: ["", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b", "a.-b", "A", "a_b", "ä", String(repeating: "a", count: 254)])
    func `other texts are no names`(name: String) { #expect(Names.subdomainProblem(name) != nil) }

    @Test(arguments: ["app", "App_1.x", "a.io/b", "kubernetes.io/metadata.name"])
    func `label keys may have a prefix`(key: String) { #expect(Names.qualifiedNameProblem(key) == nil) }

    @Test(arguments: ["", "/a", "a/", "a/b/c", "A.io/b", "-a", "a b"])
    func `broken label keys are refused`(key: String) { #expect(Names.qualifiedNameProblem(key) != nil) }

    @Test(arguments: [("http", 0), ("a", 0), ("1", 1), ("", 1), ("a--b", 1), ("-a", 1), ("Http", 1), ("waytoolongforaport", 1)])
    func `port names are short and lower-case`(name: String, count: Int) { #expect(Names.portNameProblems(name).count == count) }
}
