import Testing

@testable import Formats

@Suite struct `Applying a strategic merge patch` {
    static let object =
        #"{"metadata":{"finalizers":["f1","f2","f3"],"labels":{"a":"x","b":"n2"}},"spec":{"strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0},"type":"RollingUpdate"},"#
        + #""containers":[{"args":["x",true],"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"a:1","name":"a","ports":[{"containerPort":80,"protocol":"TCP"}]},"#
        + #"{"image":"b:1","name":"b"}],"volumes":[{"emptyDir":{},"name":"v"}],"tolerations":[{"key":"k","operator":"Exists"}]}}"#

    /// What `kubectl patch --local --type strategic` makes of the object: the fields of metadata and spec that change.
    @Test(arguments: [
        (
            #"{"spec":{"containers":[{"name":"c","image":"c:1"}]}}"#,
            #"{"spec":{"containers":[{"image":"c:1","name":"c"},"<a>",{"image":"b:1","name":"b"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"b","image":"b:2"},{"name":"c","image":"c:1"}]}}"#,
            #"{"spec":{"containers":["<a>",{"image":"b:2","name":"b"},{"image":"c:1","name":"c"}]}}"#
        ),
        (
            #"{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],"containers":[{"name":"c","image":"c:1"}]}}"#,
            #"{"spec":{"containers":[{"image":"b:1","name":"b"},{"image":"c:1","name":"c"},"<a>"]}}"#
        ),
        (
            #"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"b"}],"containers":[{"name":"c","image":"c:1"}]}}"#,
            #"{"spec":{"containers":[{"image":"c:1","name":"c"},"<a>",{"image":"b:1","name":"b"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"$patch":"delete","name":"a"}]}}"#,
            #"{"spec":{"containers":[{"image":"b:1","name":"b"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"$patch":"replace"},{"name":"z","image":"z"}]}}"#,
            #"{"spec":{"containers":[{"image":"z","name":"z"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a","args":["q"],"env":[{"name":"B","value":"3"},{"name":"C","value":"4"},{"$patch":"delete","name":"A"}]}]}}"#,
            #"{"spec":{"containers":[{"args":["q"],"env":[{"name":"B","value":"3"},{"name":"C","value":"4"}],"image":"a:1","name":"a","ports":[{"containerPort":80,"protocol":"TCP"}]},{"image":"b:1","name":"b"}]}}"#
        ),
        (
            #"{"metadata":{"finalizers":["f2","f4"],"labels":{"a":null,"c":"z"}}}"#,
            #"{"metadata":{"finalizers":["f1","f2","f4","f3"],"labels":{"b":"n2","c":"z"}}}"#
        ),
        (
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["f1","nope"]}}"#,
            #"{"metadata":{"finalizers":["f2","f3"]}}"#
        ),
        (
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["f1"],"$setElementOrder/finalizers":["f4","f3"],"finalizers":["f4"]}}"#,
            #"{"metadata":{"finalizers":["f4","f2","f3"]}}"#
        ),
        (
            #"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#,
            #"{"spec":{"strategy":{"type":"Recreate"}}}"#
        ),
        (
            #"{"spec":{"strategy":{"$patch":"replace","type":"Recreate"}}}"#,
            #"{"spec":{"strategy":{"type":"Recreate"}}}"#
        ),
        (
            #"{"spec":{"strategy":{"$patch":"delete"}}}"#,
            #"{"spec":{"strategy":{}}}"#
        ),
        (
            #"{"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":null,"type":"Recreate"}}}"#,
            #"{"spec":{"strategy":{"type":"Recreate"}}}"#
        ),
        (
            #"{"spec":{"strategy":null,"tolerations":[{"key":"q"}]}}"#,
            #"{"spec":{"strategy":null,"tolerations":[{"key":"q"}]}}"#
        ),
        (
            #"{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/x"}},{"name":"w","emptyDir":null,"hostPath":{"path":"/w"}}]}}"#,
            #"{"spec":{"volumes":[{"hostPath":{"path":"/x"},"name":"v"},{"hostPath":{"path":"/w"},"name":"w"}]}}"#
        ),
        (
            #"{"spec":{"initContainers":[{"name":"i","image":"i","env":[{"name":"X","value":null}]},{"$patch":"delete","name":"j"}],"nodeSelector":{"x":null,"y":"z"}}}"#,
            #"{"spec":{"initContainers":[{"env":[{"name":"X"}],"image":"i","name":"i"}],"nodeSelector":{"y":"z"}}}"#
        ),
        (
            #"{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}}"#,
            #"{"spec":{"containers":[{"image":"b:1","name":"b"},"<a>"]}}"#
        ),
        (
            #"{"spec":{"containers":null}}"#,
            #"{"spec":{"containers":null}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a","$patch":"replace","image":"only"}]}}"#,
            #"{"spec":{"containers":[]}}"#
        ),
    ])
    func `gives what kubectl gives`(patch: String, expected: String) throws {
        let before = try JSON.parse(text: Self.object)
        let result = try StrategicMerge.apply(try JSON.parse(text: patch), to: before, keys: podMergeKeys)
        let containerA = JSON.text(before["spec"]["containers"][0])
        let fields = try JSON.parse(text: expected.replacing("\"<a>\"", with: containerA))
        var wanted = before
        for part in ["metadata", "spec"] {
            for (key, value) in fields[part].object ?? [:] { wanted[part][key] = value }
        }
        #expect(result == wanted, "\(JSON.text(result))")
    }

    @Test(arguments: [
        (#"{"spec":{"containers":[{"image":"q"}]}}"#, "spec.containers[0] does not contain the declared merge key: name"),
        (#"{"spec":{"containers":["q"]}}"#, "spec.containers[0] must be an object, found a string"),
        (
            #"{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"b","image":"q"}]}}"#,
            "the list spec.containers and its $setElementOrder/containers disagree about \"b\""
        ),
        (
            #"{"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":{"maxSurge":2}}}}"#,
            "$retainKeys at spec.strategy does not name \"rollingUpdate\", which the patch sets"
        ),
        (
            #"{"spec":{"strategy":{"$patch":"frob"}}}"#,
            "unknown patch type \"frob\" at spec.strategy, allowed are \"replace\", \"delete\", \"merge\""
        ),
        (
            #"{"spec":{"containers":[{"$patch":"merge","name":"a"}]}}"#,
            "unknown patch type \"merge\" in spec.containers, allowed are \"replace\" and \"delete\""
        ),
        (
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":1}}"#,
            "$deleteFromPrimitiveList/finalizers at metadata must be a list, found an integer"
        ),
        (#"[]"#, "a strategic merge patch is an object, found a list"),
    ])
    func `refuses what makes no sense`(patch: String, message: String) throws {
        let before = try JSON.parse(text: Self.object)
        let error = #expect(throws: PatchError.self) {
            try StrategicMerge.apply(try JSON.parse(text: patch), to: before, keys: podMergeKeys)
        }
        #expect(error?.message == message)
        #expect(error?.reason == .malformed)
    }

    @Test func `a list of thousands of elements merges without comparing each with each`() throws {
        let elements = (0..<20_000).map { Value.object(["name": .string("n\($0)"), "image": "i"]) }
        let patch: Value = ["containers": .array(elements.reversed())]
        let result = try StrategicMerge.apply(patch, to: ["containers": .array(elements)], keys: podMergeKeys)
        #expect(result["containers"].elements.count == 20_000)
    }
}

@Suite struct `Merge patches` {
    /// The examples of RFC 7386, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#), (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#), (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, #"null"#, #"null"#),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#), (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func `apply as the RFC's examples do`(original: String, patch: String, expected: String) throws {
        let result = MergePatch.apply(try JSON.parse(text: patch), to: try JSON.parse(text: original))
        #expect(result == (try JSON.parse(text: expected)))
    }

    @Test(arguments: [
        (#"{"a":1,"b":{"c":2,"d":3},"e":[1]}"#, #"{"b":{"c":2,"d":4},"e":[2],"f":"g"}"#, #"{"a":null,"b":{"d":4},"e":[2],"f":"g"}"#),
        (#"{"a":{"b":1}}"#, #"{"a":{"b":1.0}}"#, #"{}"#), (#"{"a":{"b":1}}"#, #"{"a":[]}"#, #"{"a":[]}"#), (#"1"#, #"2"#, #"2"#),
    ])
    func `are made from the difference and lead back to it`(from: String, to: String, patch: String) throws {
        let (before, after) = (try JSON.parse(text: from), try JSON.parse(text: to))
        let difference = MergePatch.diff(from: before, to: after)
        #expect(difference == (try JSON.parse(text: patch)))
        #expect(MergePatch.apply(difference, to: before).isEquivalent(to: after))
    }
}

@Suite struct `JSON patches` {
    @Test(arguments: [
        (#"{"op":"add"}"#, "a JSON patch is a list of operations, found an object"),
        (#"[{"path":"/a"}]"#, "operation 0 of the patch has no \"op\""),
        (
            #"[{"op":"repalce","path":"/a","value":1}]"#,
            "operation 0 has the unknown op \"repalce\", allowed are add, remove, replace, move, copy, test; did you mean \"replace\"?"
        ),
        (#"[{"op":"add","path":"a","value":1}]"#, "operation 0 (add): \"path\" is no JSON pointer: \"a\""),
        (#"[{"op":"test","path":"/a","value":2}]"#, "operation 0 (test): the test of \"/a\" failed"),
        (#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#, "operation 1 (remove): there is nothing at \"/a\""),
        (#"[{"op":"move","from":"/o","path":"/o/x"}]"#, "operation 0 (move): \"/o\" cannot be moved into itself"),
    ])
    func `say which operation failed and why`(patch: String, message: String) throws {
        let error = #expect(throws: PatchError.self) {
            try JSONPatch.apply(try JSON.parse(text: patch), to: ["a": 1, "o": ["x": 1]])
        }
        #expect(error?.message == message)
    }

    @Test func `copies of copies stop at a limit`() {
        let double: Value = ["op": "copy", "from": "/a", "path": "/a/-"]
        let error = #expect(throws: PatchError.self) {
            try JSONPatch.apply(.array(Array(repeating: double, count: 100)), to: ["a": [1, 2, 3, 4]])
        }
        #expect(error?.reason == .inapplicable)
    }

    @Test func `a result may not nest deeper than can be read again`() {
        let deeper: Value = ["op": "copy", "from": "", "path": "/x"]
        let error = #expect(throws: PatchError.self) { try JSONPatch.apply(.array(Array(repeating: deeper, count: 1000)), to: [:]) }
        #expect(error?.message == "operation 255 (copy): the result would nest more than 256 levels deep")
    }

    @Test func `too many operations are refused before the first is done`() {
        let test: Value = ["op": "test", "path": "", "value": 1]
        #expect(throws: PatchError.self) { try JSONPatch.apply(.array(Array(repeating: test, count: 10_001)), to: 1) }
    }
}

@Suite struct `The nearest word` {
    @Test(
        arguments: [
            ("replcias", "replicas"), ("container", "containers"), ("Imgae", "image"), ("selctor", "selector"), ("xyz", nil), ("", nil),
            ("a", nil),
            ("template", "template"), ("imag", "image"),
        ] as [(String, String?)])
    func `is the likely one, or none`(word: String, expected: String?) {
        #expect(nearest(word, among: ["selector", "image", "replicas", "containers", "template", "b"]) == expected)
    }
}
