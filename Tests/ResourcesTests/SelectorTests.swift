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
    @Test(arguments: labelsMatchInCases) func `labels match as in Kubernetes`(query: String, labels: [String: String], matches: Bool) throws {
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
