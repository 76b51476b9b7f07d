/// JSON patch (RFC 6902): a list of operations, applied in order; when one fails none counts.
package enum JSONPatch {
    /// A longer list is refused, as Kubernetes refuses it.
    package static let operationLimit = 10_000
    /// How many values all `copy` operations of one patch may copy: copies of copies grow without bound otherwise.
    package static let copiedValueLimit = 100_000
    /// How deep a result may nest, so that whatever walks it later is safe.
    package static let depthLimit = ParseLimits.standard.depth

    /// All operations in order, or none.
    package static func apply(_ patch: Value, to value: Value) throws(PatchError) -> Value {
        guard case .array(let list) = patch else {
            throw PatchError(.malformed, "a JSON patch is a list of operations, found \(patch.kindName)")
        }
        if list.count > operationLimit {
            throw PatchError(.malformed, "the patch has \(list.count) operations, at most \(operationLimit) are allowed")
        }
        // Every operation is read first: a malformed one is reported as such even behind one that does not apply.
        var operations: [Operation] = []
        for (index, element) in list.enumerated() { operations.append(try Operation(element, index: index)) }
        var result = value
        var copied = 0
        for operation in operations { try operation.apply(to: &result, copied: &copied) }
        return result
    }
}

/// One operation with its place in the list, for its errors.
private struct Operation {
    enum Kind: String, CaseIterable { case add, remove, replace, move, copy, test }

    var kind: Kind
    var path: JSONPointer
    var pathText: String
    /// Of `move` and `copy`.
    var from: JSONPointer
    var fromText: String
    /// Of `add`, `replace` and `test`.
    var value: Value
    var index: Int

    init(_ source: Value, index: Int) throws(PatchError) {
        let place = "operation \(index)"
        guard case .object(let members) = source else {
            throw PatchError(.malformed, "\(place) of the patch must be an object, found \(source.kindName)")
        }
        guard let name = members["op"]?.string else { throw PatchError(.malformed, "\(place) of the patch has no \"op\"") }
        guard let kind = Kind(rawValue: name) else {
            let allowed = Kind.allCases.map(\.rawValue)
            let hint = nearest(name, among: allowed).map { "; did you mean \"\($0)\"?" } ?? ""
            throw PatchError(.malformed, "\(place) has the unknown op \"\(name)\", allowed are \(allowed.joined(separator: ", "))\(hint)")
        }
        func pointer(_ member: String) throws(PatchError) -> (JSONPointer, String) {
            guard let text = members[member]?.string else { throw PatchError(.malformed, "\(place) (\(name)) has no \"\(member)\"") }
            guard let pointer = JSONPointer(text) else {
                throw PatchError(.malformed, "\(place) (\(name)): \"\(member)\" is no JSON pointer: \"\(text)\"")
            }
            return (pointer, text)
        }
        self.kind = kind
        self.index = index
        (path, pathText) = try pointer("path")
        switch kind {
        case .move, .copy:
            (from, fromText) = try pointer("from")
            value = .null
        case .add, .replace, .test:
            guard let value = members["value"] else { throw PatchError(.malformed, "\(place) (\(name)) has no \"value\"") }
            self.value = value
            (from, fromText) = (path, pathText)
        case .remove:
            value = .null
            (from, fromText) = (path, pathText)
        }
    }

    func apply(to document: inout Value, copied: inout Int) throws(PatchError) {
        switch kind {
        case .test:
            let found = try read(path.tokens[...], pathText, in: document)
            if !found.isEquivalent(to: value) { throw failure("the test of \"\(pathText)\" failed") }
        case .add: try add(value, to: &document)
        case .replace:
            try checkDepth(of: value)
            try replace(path.tokens[...], in: &document)
        case .remove: _ = try remove(path.tokens[...], pathText, in: &document)
        case .move:
            if from == path { return }
            if path.tokens.starts(with: from.tokens) { throw failure("\"\(fromText)\" cannot be moved into itself") }
            let moved = try remove(from.tokens[...], fromText, in: &document)
            try add(moved, to: &document)
        case .copy:
            let value = try read(from.tokens[...], fromText, in: document)
            copied += value.countOfValues(upTo: JSONPatch.copiedValueLimit + 1)
            if copied > JSONPatch.copiedValueLimit { throw failure("the patch copies more than \(JSONPatch.copiedValueLimit) values") }
            try add(value, to: &document)
        }
    }

    private func failure(_ what: String) -> PatchError { PatchError(.inapplicable, "operation \(index) (\(kind.rawValue)): \(what)") }

    private func absent(_ pointer: String) -> PatchError { failure("there is nothing at \"\(pointer)\"") }

    private func checkDepth(of value: Value) throws(PatchError) {
        if value.isDeeper(than: JSONPatch.depthLimit - path.tokens.count) {
            throw failure("the result would nest more than \(JSONPatch.depthLimit) levels deep")
        }
    }

    // MARK: Steps through the tree

    private func read(_ tokens: ArraySlice<String>, _ pointer: String, in value: Value) throws(PatchError) -> Value {
        var at = value
        for token in tokens {
            switch at {
            case .object(let object):
                guard let member = object[token] else { throw absent(pointer) }
                at = member
            case .array(let array):
                guard let index = JSONPointer.index(token), array.indices.contains(index) else { throw absent(pointer) }
                at = array[index]
            default: throw absent(pointer)
            }
        }
        return at
    }

    private func add(_ new: Value, to document: inout Value) throws(PatchError) {
        try checkDepth(of: new)
        guard let last = path.tokens.last else {
            document = new
            return
        }
        try edit(path.tokens.dropLast(), pathText, in: &document) { (parent) throws(PatchError) in
            switch parent {
            case .object(var object):
                parent = .null
                object[last] = new
                parent = .object(object)
            case .array(var array):
                parent = .null
                defer { parent = .array(array) }
                if last == "-" {
                    array.append(new)
                    return
                }
                guard let index = JSONPointer.index(last), index <= array.count else {
                    throw failure("\"\(last)\" is no place in a list of \(array.count)")
                }
                array.insert(new, at: index)
            default: throw absent(pathText)
            }
        }
    }

    private func replace(_ tokens: ArraySlice<String>, in document: inout Value) throws(PatchError) {
        try edit(tokens, pathText, in: &document) { (target) throws(PatchError) in target = value }
    }

    private func remove(_ tokens: ArraySlice<String>, _ pointer: String, in document: inout Value) throws(PatchError) -> Value {
        guard let last = tokens.last else {
            defer { document = .null }
            return document
        }
        var removed = Value.null
        try edit(tokens.dropLast(), pointer, in: &document) { (parent) throws(PatchError) in
            switch parent {
            case .object(var object):
                guard let member = object[last] else { throw absent(pointer) }
                parent = .null
                removed = member
                object[last] = nil
                parent = .object(object)
            case .array(var array):
                guard let index = JSONPointer.index(last), array.indices.contains(index) else { throw absent(pointer) }
                parent = .null
                removed = array.remove(at: index)
                parent = .array(array)
            default: throw absent(pointer)
            }
        }
        return removed
    }

    /// Lets `body` change the value at `tokens` in place. After an error the document is not to be used any more.
    private func edit(
        _ tokens: ArraySlice<String>, _ pointer: String, in value: inout Value, _ body: (inout Value) throws(PatchError) -> Void
    ) throws(PatchError) {
        guard let token = tokens.first else { return try body(&value) }
        switch value {
        case .object(var object):
            guard var member = object[token] else { throw absent(pointer) }
            // Let go of while it is changed, so that nothing is copied.
            value = .null
            object[token] = .null
            try edit(tokens.dropFirst(), pointer, in: &member, body)
            object[token] = member
            value = .object(object)
        case .array(var array):
            guard let index = JSONPointer.index(token), array.indices.contains(index) else { throw absent(pointer) }
            value = .null
            try edit(tokens.dropFirst(), pointer, in: &array[index], body)
            value = .array(array)
        default: throw absent(pointer)
        }
    }
}

extension Value {
    /// The number of values in the tree, this one included; counting stops at `limit`.
    func countOfValues(upTo limit: Int) -> Int {
        var count = 1
        switch self {
        case .array(let array):
            for element in array where count < limit { count += element.countOfValues(upTo: limit - count) }
        case .object(let object):
            for entry in object.entries where count < limit { count += entry.value.countOfValues(upTo: limit - count) }
        default: break
        }
        return count
    }

    /// Whether arrays and objects nest in more than `levels`.
    func isDeeper(than levels: Int) -> Bool {
        switch self {
        case .array(let array): levels <= 0 || array.contains { $0.isDeeper(than: levels - 1) }
        case .object(let object): levels <= 0 || object.entries.contains { $0.value.isDeeper(than: levels - 1) }
        default: false
        }
    }
}
