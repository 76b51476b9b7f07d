import Testing

@testable import Formats

/// Which lists and maps the cases merge, by the last field name: as in Kubernetes' types.
let podMergeKeys = MergeKeys { path in
    switch path.last {
    case "containers", "initContainers", "env", "volumes": .mergeByKey("name")
    case "ports": .mergeByKey(path.contains("containers") ? "containerPort" : "port")
    case "finalizers": .mergeSet
    default: .atomic
    }
} map: { path in
    path.last == "strategy" || path.last == "volumes" ? .retainKeys : .merge
}

@Suite struct `The three-way patch of an apply` {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var original: String
        var modified: String
        var current: String
        var patch: String
    }

    /// What kubectl 1.33 sends for a last applied manifest, a manifest and a live object.
    static let cases = [
        Case(
            testDescription: "nothing changed",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","imagePullPolicy":"Always"}]}}}}"#,
            patch: #"{}"#),
        Case(
            testDescription: "replicas and image",
            original: #"{"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            modified: #"{"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"a","image":"a:2"}]}}}}"#,
            current: #"{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"a","image":"a:1","imagePullPolicy":"Always"}]}}}}"#,
            patch:
                #"{"spec":{"replicas":3,"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"image":"a:2","name":"a"}]}}}}"#
        ),
        Case(
            testDescription: "replicas removed from the manifest",
            original: #"{"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            current: #"{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            patch: #"{"spec":{"replicas":null}}"#),
        Case(
            testDescription: "container removed",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:1"}]}}}}"#,
            current:
                #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"},{"name":"c","image":"c:1"}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"$patch":"delete","name":"a"}]}}}}"#
        ),
        Case(
            testDescription: "container added in front",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:1"},{"name":"a","image":"a:1"}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"image":"b:1","name":"b"}]}}}}"#
        ),
        Case(
            testDescription: "reordered",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:1"},{"name":"a","image":"a:1"}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}}}}"#,
            patch: #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}}}}"#),
        Case(
            testDescription: "env changes",
            original:
                #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}}}}"#,
            modified:
                #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","env":[{"name":"Y","value":"3"},{"name":"Z","value":"4"}]}]}}}}"#,
            current:
                #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"},{"name":"S","value":"server"}]}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"$setElementOrder/env":[{"name":"Y"},{"name":"Z"}],"env":[{"name":"Y","value":"3"},{"name":"Z","value":"4"},{"$patch":"delete","name":"X"}],"name":"a"}]}}}}"#
        ),
        Case(
            testDescription: "args atomic",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","args":["x","z"]}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","args":["z"]}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","args":["x","z"]}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"args":["z"],"name":"a"}]}}}}"#),
        Case(
            testDescription: "args removed",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","args":["x"]}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","args":["x"]}]}}}}"#,
            patch: #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"args":null,"name":"a"}]}}}}"#
        ),
        Case(
            testDescription: "strategy to Recreate",
            original: #"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}"#,
            modified: #"{"spec":{"strategy":{"type":"Recreate"}}}"#,
            current: #"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":"25%"}}}}"#,
            patch: #"{"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":null,"type":"Recreate"}}}"#),
        Case(
            testDescription: "strategy same, server has defaults",
            original: #"{"spec":{"strategy":{"type":"RollingUpdate"}}}"#,
            modified: #"{"spec":{"strategy":{"type":"RollingUpdate"}}}"#,
            current: #"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":"25%"}}}}"#,
            patch: #"{"spec":{"strategy":{"$retainKeys":["type"]}}}"#),
        Case(
            testDescription: "volume changes source",
            original: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/volumes":[{"name":"v"}],"volumes":[{"$retainKeys":["hostPath","name"],"emptyDir":null,"hostPath":{"path":"/x"},"name":"v"}]}}}}"#
        ),
        Case(
            testDescription: "volume removed, other kept",
            original: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}},{"name":"w","emptyDir":{}}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"volumes":[{"name":"w","emptyDir":{}}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}},{"name":"w","emptyDir":{}}]}}}}"#,
            patch: #"{"spec":{"template":{"spec":{"$setElementOrder/volumes":[{"name":"w"}],"volumes":[{"$patch":"delete","name":"v"}]}}}}"#
        ),
        Case(
            testDescription: "all volumes removed",
            original: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{}}}}"#,
            current: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            patch: #"{"spec":{"template":{"spec":{"volumes":null}}}}"#),
        Case(
            testDescription: "volumes emptied",
            original: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"volumes":[]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            patch: #"{"spec":{"template":{"spec":{"volumes":[{"$patch":"delete","name":"v"}]}}}}"#),
        Case(
            testDescription: "finalizers",
            original: #"{"metadata":{"finalizers":["f/1","f/2"]},"spec":{}}"#,
            modified: #"{"metadata":{"finalizers":["f/2","f/3"]},"spec":{}}"#,
            current: #"{"metadata":{"finalizers":["f/1","f/2","f/9"]},"spec":{}}"#,
            patch:
                #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["f/1"],"$setElementOrder/finalizers":["f/2","f/3"],"finalizers":["f/3"]}}"#
        ),
        Case(
            testDescription: "labels",
            original: #"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{}}"#,
            modified: #"{"metadata":{"labels":{"b":"3","c":"4"}},"spec":{}}"#,
            current: #"{"metadata":{"labels":{"a":"1","b":"2","s":"9"}},"spec":{}}"#,
            patch: #"{"metadata":{"labels":{"a":null,"b":"3","c":"4"}}}"#),
        Case(
            testDescription: "label null in manifest",
            original: #"{"metadata":{"labels":{"a":"1"}},"spec":{}}"#,
            modified: #"{"metadata":{"labels":{"a":"1"},"creationTimestamp":null},"spec":{}}"#,
            current: #"{"metadata":{"labels":{"a":"1"},"creationTimestamp":"2020-01-01T00:00:00Z"},"spec":{}}"#,
            patch: #"{"metadata":{"creationTimestamp":null}}"#),
        Case(
            testDescription: "service ports of two protocols",
            original: #"{"spec":{"ports":[{"port":53,"protocol":"TCP","name":"t"},{"port":53,"protocol":"UDP","name":"u"}]}}"#,
            modified: #"{"spec":{"ports":[{"port":53,"protocol":"TCP","name":"t"},{"port":53,"protocol":"UDP","name":"u"}]}}"#,
            current:
                #"{"spec":{"clusterIP":"1.2.3.4","ports":[{"port":53,"protocol":"TCP","name":"t","targetPort":53},{"port":53,"protocol":"UDP","name":"u","targetPort":53}]}}"#,
            patch: #"{}"#),
        Case(
            testDescription: "service port changed",
            original: #"{"spec":{"ports":[{"port":80,"targetPort":8080}]}}"#,
            modified: #"{"spec":{"ports":[{"port":81,"targetPort":8080}]}}"#,
            current: #"{"spec":{"ports":[{"port":80,"targetPort":8080,"protocol":"TCP","nodePort":30000}],"selector":{"x":"y"}}}"#,
            patch:
                #"{"spec":{"$setElementOrder/ports":[{"port":81}],"ports":[{"port":81,"targetPort":8080},{"$patch":"delete","port":80}]}}"#),
        Case(
            testDescription: "selector changes",
            original: #"{"spec":{"selector":{"a":"1"}}}"#,
            modified: #"{"spec":{"selector":{"b":"1"}}}"#,
            current: #"{"spec":{"selector":{"a":"1"}}}"#,
            patch: #"{"spec":{"selector":{"a":null,"b":"1"}}}"#),
        Case(
            testDescription: "map becomes absent",
            original: #"{"spec":{"selector":{"a":"1"}}}"#,
            modified: #"{"spec":{}}"#,
            current: #"{"spec":{"selector":{"a":"1"}}}"#,
            patch: #"{"spec":{"selector":null}}"#),
        Case(
            testDescription: "everything gone",
            original:
                #"{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}],"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            current:
                #"{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}],"volumes":[{"name":"v","emptyDir":{}}]}}}}"#,
            patch:
                #"{"spec":{"replicas":null,"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"$patch":"delete","name":"b"}],"volumes":null}}}}"#
        ),
        Case(
            testDescription: "deleted live already",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"$patch":"delete","name":"b"}]}}}}"#
        ),
        Case(
            testDescription: "env of removed and kept",
            original:
                #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"b:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            current:
                #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"b:1"}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"env":null,"name":"a"},{"$patch":"delete","name":"b"}]}}}}"#
        ),
        Case(
            testDescription: "list of a field set from nothing",
            original: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1","ports":[{"containerPort":80}]}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}}}"#,
            patch:
                #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"a","ports":[{"containerPort":80}]}]}}}}"#
        ),
        Case(
            testDescription: "tolerations atomic",
            original: #"{"spec":{"template":{"spec":{"tolerations":[{"key":"a"}]}}}}"#,
            modified: #"{"spec":{"template":{"spec":{"tolerations":[{"key":"b"}]}}}}"#,
            current: #"{"spec":{"template":{"spec":{"tolerations":[{"key":"a"},{"key":"server"}]}}}}"#,
            patch: #"{"spec":{"template":{"spec":{"tolerations":[{"key":"b"}]}}}}"#),
    ]

    @Test(arguments: cases)
    func `is the one that kubectl sends`(testCase: Case) throws {
        let original = try JSON.parse(text: testCase.original)
        let modified = try JSON.parse(text: testCase.modified)
        let current = try JSON.parse(text: testCase.current)
        let patch = try StrategicMerge.threeWay(original: original, modified: modified, current: current, keys: podMergeKeys)
        #expect(patch == (try JSON.parse(text: testCase.patch)), "\(JSON.text(patch))")
        // Applied, it leaves nothing more to do but what the server would default again.
        let result = try StrategicMerge.apply(patch, to: current, keys: podMergeKeys)
        #expect(!JSON.text(result).contains("$"))
        let again = try StrategicMerge.threeWay(original: modified, modified: modified, current: result, keys: podMergeKeys)
        let settled = try StrategicMerge.apply(again, to: result, keys: podMergeKeys)
        #expect(settled == result)
    }

    @Test func `without a last applied manifest nothing is deleted`() throws {
        let patch = try StrategicMerge.threeWay(
            original: nil, modified: ["spec": ["a": 1]], current: ["spec": ["a": 2, "b": 3], "status": [:]], keys: .none)
        #expect(patch == ["spec": ["a": 1]])
    }

    @Test func `numbers that are worth the same do not differ`() throws {
        #expect(try StrategicMerge.threeWay(original: nil, modified: ["a": 3.0], current: ["a": 3], keys: .none) == [:])
    }
}
