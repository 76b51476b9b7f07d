/// Merges a patch into an object, or two patches into one.
///
/// The rules are those of Kubernetes' strategic merge, down to the order in which the elements of lists come out.
struct StrategicMergeApplication {
    let keys: MergeKeys
    /// True when both sides are patches: directives and nulls are then kept, for the one who applies the result.
    let isCombining: Bool

    func merge(_ patch: Object, into original: Object, path: [String]) throws(PatchError) -> Object {
        if let directive = patch[PatchDirective.patch] { return try replaced(by: patch, directive: directive, path: path) }
        var patch = patch
        var result = original
        try retainKeys(&patch, in: &result, path: path)
        try setElementOrders(&patch, in: &result, path: path)
        for (key, change) in patch {
            if key.hasPrefix(PatchDirective.deleteFromPrimitiveList) {
                if isCombining { result[key] = change } else { try deleteFromList(key, change, in: &result, path: path) }
                continue
            }
            if change.isNull {
                if isCombining { result[key] = .null } else { result[key] = Value?.none }
                continue
            }
            guard let before = result[key] else {
                result[key] = isCombining ? change : PatchDirective.stripped(change)
                continue
            }
            result[key] = try merged(change, with: before, path: path + [key])
        }
        return result
    }

    private func replaced(by patch: Object, directive: Value, path: [String]) throws(PatchError) -> Object {
        var rest = patch
        rest[PatchDirective.patch] = nil
        switch directive {
        case "replace": return isCombining ? patch : (PatchDirective.stripped(.object(rest)).object ?? Object())
        case "delete": return isCombining ? patch : Object()
        case "merge": return rest
        default:
            throw PatchError(
                .malformed, "unknown patch type \(JSON.text(directive)) at \(place(path)), allowed are \"replace\", \"delete\", \"merge\"")
        }
    }

    private func merged(_ change: Value, with before: Value, path: [String]) throws(PatchError) -> Value {
        switch (before, change) {
        case (.object(let a), .object(let b)):
            if keys.map(path) == .replace { return isCombining ? change : PatchDirective.stripped(change) }
            return .object(try merge(b, into: a, path: path))
        case (.array(let a), .array(let b)):
            return .array(try mergeLists(b, into: a, path: path))
        default: return isCombining ? change : PatchDirective.stripped(change)
        }
    }

    // MARK: Lists

    private func mergeLists(_ patch: [Value], into original: [Value], path: [String]) throws(PatchError) -> [Value] {
        switch keys.list(path) {
        case .atomic: return isCombining ? patch : (PatchDirective.stripped(.array(patch)).array ?? [])
        case .mergeSet:
            let union = ElementOrder.withoutRepetitions(original + patch)
            return try ElementOrder.arrange(union, mentioned: patch, original: original, mergeKey: nil, path: path)
        case .mergeByKey(let mergeKey): return try mergeObjects(patch, into: original, mergeKey: mergeKey, path: path)
        }
    }

    private func mergeObjects(_ patch: [Value], into original: [Value], mergeKey: String, path: [String]) throws(PatchError) -> [Value] {
        var kept = original
        var changes: [Value] = []
        var deleted: Set<String> = []
        var isReplacing = false
        for element in patch {
            switch element.object?[PatchDirective.patch] {
            case nil: changes.append(element)
            case "replace": isReplacing = true
            case "delete" where !isCombining: deleted.formUnion(try identities([element], by: mergeKey, path: path))
            case "delete": changes.append(element)
            case .some(let directive):
                throw PatchError(
                    .malformed, "unknown patch type \(JSON.text(directive)) in \(place(path)), allowed are \"replace\" and \"delete\"")
            }
        }
        if isReplacing { return isCombining ? patch : changes.map(PatchDirective.stripped) }
        if !deleted.isEmpty {
            let texts = try identities(kept, by: mergeKey, path: path)
            kept = zip(kept, texts).filter { !deleted.contains($0.1) }.map(\.0)
        }
        let originalOrder = kept
        var places: [String: Int] = [:]
        for (index, text) in try identities(kept, by: mergeKey, path: path).enumerated() where places[text] == nil { places[text] = index }
        for (change, text) in zip(changes, try identities(changes, by: mergeKey, path: path)) {
            if let index = places[text], case .object(let before) = kept[index], case .object(let members) = change {
                kept[index] = .object(try merge(members, into: before, path: path))
            } else {
                places[text] = kept.count
                kept.append(isCombining ? change : PatchDirective.stripped(change))
            }
        }
        return try ElementOrder.arrange(kept, mentioned: changes, original: originalOrder, mergeKey: mergeKey, path: path)
    }

    // MARK: Directives

    private func retainKeys(_ patch: inout Object, in result: inout Object, path: [String]) throws(PatchError) {
        guard let directive = patch[PatchDirective.retainKeys] else { return }
        patch[PatchDirective.retainKeys] = nil
        guard case .array(let list) = directive else {
            throw PatchError(.malformed, "\(PatchDirective.retainKeys) at \(place(path)) must be a list, found \(directive.kindName)")
        }
        let retained = Set(list.compactMap(\.string))
        for (key, change) in patch where !change.isNull && !PatchDirective.isDirective(key) && !retained.contains(key) {
            throw PatchError(.malformed, "\(PatchDirective.retainKeys) at \(place(path)) does not name \"\(key)\", which the patch sets")
        }
        if isCombining {
            result[PatchDirective.retainKeys] = directive
        } else {
            for key in result.keys where !retained.contains(key) { result[key] = nil }
        }
    }

    /// Merges and orders each list that has a `$setElementOrder`, and takes both out of the patch.
    private func setElementOrders(_ patch: inout Object, in result: inout Object, path: [String]) throws(PatchError) {
        for directive in patch.keys where directive.hasPrefix(PatchDirective.setElementOrder) {
            guard let order = patch[directive] else { continue }
            patch[directive] = nil
            if isCombining {
                result[directive] = order
                continue
            }
            let key = String(directive.dropFirst(PatchDirective.setElementOrder.count))
            let listPath = path + [key]
            guard case .array(let mentioned) = order else {
                throw PatchError(.malformed, "\(directive) at \(place(path)) must be a list, found \(order.kindName)")
            }
            let before = result[key]
            let change = patch[key]
            if change?.isNull == true { continue }
            for list in [before, change] {
                if let list, list.array == nil { throw PatchError(.malformed, "\(place(listPath)) must be a list, found \(list.kindName)") }
            }
            patch[key] = nil
            let mergeKey: String? = if case .mergeByKey(let key) = keys.list(listPath) { key } else { nil }
            try checkMentioned(change?.elements ?? [], in: mentioned, mergeKey: mergeKey, directive: directive, path: listPath)
            let merged: [Value]
            switch (before, change) {
            case (nil, nil): continue
            case (.some(let before), nil): merged = before.elements
            case (nil, .some(let change)): merged = PatchDirective.stripped(change).elements
            case (.some(let before), .some(let change)): merged = try mergeLists(change.elements, into: before.elements, path: listPath)
            }
            result[key] = .array(
                try ElementOrder.arrange(merged, mentioned: mentioned, original: before?.elements ?? [], mergeKey: mergeKey, path: listPath)
            )
        }
    }

    /// Every element that the patch sets must be mentioned in the order, in the same sequence.
    private func checkMentioned(
        _ changes: [Value], in mentioned: [Value], mergeKey: String?, directive: String, path: [String]
    ) throws(PatchError) {
        let set = changes.filter { $0.object?[PatchDirective.patch] == nil }
        var order = try identities(mentioned, by: mergeKey, path: path)[...]
        for text in try identities(set, by: mergeKey, path: path) {
            guard let index = order.firstIndex(of: text) else {
                throw PatchError(.malformed, "the list \(place(path)) and its \(directive) disagree about \"\(text)\"")
            }
            order = order[order.index(after: index)...]
        }
    }

    private func deleteFromList(_ directive: String, _ deleted: Value, in result: inout Object, path: [String]) throws(PatchError) {
        let key = String(directive.dropFirst(PatchDirective.deleteFromPrimitiveList.count))
        guard case .array(let values) = deleted else {
            throw PatchError(.malformed, "\(directive) at \(place(path)) must be a list, found \(deleted.kindName)")
        }
        guard case .array(let list) = result[key] else { return }
        let gone = Set(values.map(identityText))
        result[key] = .array(list.filter { !gone.contains(identityText($0)) })
    }

    private func place(_ path: [String]) -> String { path.isEmpty ? "the top" : path.joined(separator: ".") }
}
