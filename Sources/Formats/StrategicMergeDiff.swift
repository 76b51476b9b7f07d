/// Computes strategic merge patches from the difference of two objects.
struct StrategicMergeDiff {
    /// Which differences the patch contains.
    enum Wanted {
        /// What is new or different; nothing is deleted.
        case additions
        /// What is gone; nothing is set.
        case deletions
        case everything
    }

    let keys: MergeKeys
    let wants: Wanted

    private var wantsAdditions: Bool { wants != .deletions }
    private var wantsDeletions: Bool { wants != .additions }

    /// Empty when there is nothing to do.
    func diff(from before: Object, to after: Object, path: [String], isRetaining: Bool = false) throws(PatchError) -> Object {
        var patch = Object()
        for (key, value) in after {
            guard let old = before[key] else {
                if wantsAdditions { patch[key] = value }
                continue
            }
            switch (old, value) {
            case (.object(let a), .object(let b)): try diffObjects(key, a, b, &patch, path: path + [key])
            case (.array(let a), .array(let b)): try diffLists(key, a, b, &patch, path: path + [key])
            default: if wantsAdditions, !old.isEquivalent(to: value) { patch[key] = value }
            }
        }
        let gone = before.keys.filter { after[$0] == nil }
        if wantsDeletions { for key in gone { patch[key] = .null } }
        if isRetaining, !patch.isEmpty || !gone.isEmpty {
            let retained = after.entries.filter { !$0.value.isNull }.map(\.key).sorted()
            if !retained.isEmpty { patch[PatchDirective.retainKeys] = .array(retained.map { .string($0) }) }
        }
        return patch
    }

    private func diffObjects(_ key: String, _ before: Object, _ after: Object, _ patch: inout Object, path: [String]) throws(PatchError) {
        let strategy = keys.map(path)
        if strategy == .replace {
            if wantsAdditions, !Value.object(before).isEquivalent(to: .object(after)) { patch[key] = .object(after) }
            return
        }
        let change = try diff(from: before, to: after, path: path, isRetaining: strategy == .retainKeys)
        if !change.isEmpty { patch[key] = .object(change) }
    }

    private func diffLists(_ key: String, _ before: [Value], _ after: [Value], _ patch: inout Object, path: [String]) throws(PatchError) {
        let strategy = keys.list(path)
        if strategy == .atomic {
            if wantsAdditions, !Value.array(before).isEquivalent(to: .array(after)) { patch[key] = .array(after) }
            return
        }
        if before.isEmpty {
            if wantsAdditions, !after.isEmpty { patch[key] = .array(after) }
            return
        }
        if case .mergeByKey(let mergeKey) = strategy {
            try diffListsOfObjects(key, before, after, mergeKey, &patch, path: path)
        } else {
            diffSets(key, before, after, &patch)
        }
    }

    private func diffSets(_ key: String, _ before: [Value], _ after: [Value], _ patch: inout Object) {
        let old = Set(before.map(identityText))
        let new = Set(after.map(identityText))
        let added = wantsAdditions ? after.filter { !old.contains(identityText($0)) } : []
        let deleted = wantsDeletions ? ElementOrder.withoutRepetitions(before.filter { !new.contains(identityText($0)) }) : []
        if !added.isEmpty { patch[key] = .array(added) }
        if !deleted.isEmpty { patch[PatchDirective.deleteFromPrimitiveList + key] = .array(deleted) }
        if !deleted.isEmpty || wantsAdditions && !Value.array(before).isEquivalent(to: .array(after)), !after.isEmpty {
            patch[PatchDirective.setElementOrder + key] = .array(after)
        }
    }

    private func diffListsOfObjects(
        _ key: String, _ before: [Value], _ after: [Value], _ mergeKey: String, _ patch: inout Object, path: [String]
    ) throws(PatchError) {
        let oldTexts = try identities(before, by: mergeKey, path: path)
        let newTexts = try identities(after, by: mergeKey, path: path)
        // Where a key occurs several times (ports of two protocols) the first pairs with the first, the second with the second.
        var unpaired: [String: [Int]] = [:]
        for (index, text) in oldTexts.enumerated().reversed() { unpaired[text, default: []].append(index) }
        let isRetaining = keys.map(path) == .retainKeys
        var changes: [Value] = []
        for (element, text) in zip(after, newTexts) {
            if let index = unpaired[text]?.popLast(), case .object(let a) = before[index], case .object(let b) = element {
                var change = try diff(from: a, to: b, path: path, isRetaining: isRetaining)
                if change.isEmpty { continue }
                change[mergeKey] = b[mergeKey]
                changes.append(.object(change))
            } else if wantsAdditions {
                changes.append(element)
            }
        }
        if wantsDeletions {
            for index in unpaired.values.joined().sorted() {
                guard let value = before[index].object?[mergeKey] else { continue }
                changes.append(.object([PatchDirective.patch: "delete", mergeKey: value]))
            }
        }
        if !changes.isEmpty { patch[key] = .array(changes) }
        if !changes.isEmpty || wantsAdditions && oldTexts != newTexts {
            let order = after.compactMap { $0.object?[mergeKey] }.map { Value.object([mergeKey: $0]) }
            if !order.isEmpty { patch[PatchDirective.setElementOrder + key] = .array(order) }
        }
    }
}
