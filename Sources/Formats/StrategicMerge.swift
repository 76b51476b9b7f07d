/// Kubernetes' strategic merge patch: a merge patch in which lists merge by a key, with directives for what a merge cannot say.
///
/// The directives, and what they mean in `apply`:
/// - `$patch: replace` in an object: the rest of the patch replaces it. In an element of a list: the other elements replace the list.
/// - `$patch: delete` in an object: it becomes empty. In an element of a list: the element with its key is deleted.
/// - `$retainKeys: [names]`: every other member of the object is deleted.
/// - `$deleteFromPrimitiveList/NAME: [values]`: these are taken out of the list NAME of scalars.
/// - `$setElementOrder/NAME: [elements]`: the order of the list NAME; elements that are not mentioned keep their place among each other and,
///   where they stood beside mentioned ones, relative to those.
package enum StrategicMerge {
    /// The object after the patch; no directive is left in it.
    ///
    /// Elements that the patch adds come before those that only the object has, as in Kubernetes.
    package static func apply(_ patch: Value, to value: Value, keys: MergeKeys) throws(PatchError) -> Value {
        guard case .object(let changes) = patch else {
            throw PatchError(.malformed, "a strategic merge patch is an object, found \(patch.kindName)")
        }
        let merge = StrategicMergeApplication(keys: keys, isCombining: false)
        return .object(try merge.merge(changes, into: value.object ?? Object(), path: []))
    }

    /// The patch that `kubectl apply` computes: it deletes what `original` (the last applied manifest) had and `modified` (the manifest) has
    /// not, and sets where `modified` differs from `current` (the live object). What others set beside the manifest stays. An empty object
    /// when there is nothing to do.
    package static func threeWay(original: Value?, modified: Value, current: Value, keys: MergeKeys) throws(PatchError) -> Value {
        guard case .object(let wanted) = modified, case .object(let live) = current else {
            throw PatchError(.malformed, "only objects can be applied, found \(modified.kindName) for \(current.kindName)")
        }
        let additions = try StrategicMergeDiff(keys: keys, wants: .additions).diff(from: live, to: wanted, path: [])
        let deletions = try StrategicMergeDiff(keys: keys, wants: .deletions).diff(from: original?.object ?? Object(), to: wanted, path: [])
        let merge = StrategicMergeApplication(keys: keys, isCombining: true)
        return .object(try merge.merge(additions, into: deletions, path: []))
    }

    /// The patch that makes `to` out of `from`, deletions included.
    package static func diff(from: Value, to: Value, keys: MergeKeys) throws(PatchError) -> Value {
        guard case .object(let before) = from, case .object(let after) = to else { return to }
        return .object(try StrategicMergeDiff(keys: keys, wants: .everything).diff(from: before, to: after, path: []))
    }
}

/// The members of a patch that are not fields.
enum PatchDirective {
    static let patch = "$patch"
    static let retainKeys = "$retainKeys"
    static let deleteFromPrimitiveList = "$deleteFromPrimitiveList/"
    static let setElementOrder = "$setElementOrder/"

    static func isDirective(_ key: String) -> Bool {
        key == patch || key == retainKeys || key.hasPrefix(deleteFromPrimitiveList) || key.hasPrefix(setElementOrder)
    }

    /// A new value as it is stored: without directives, and without the nulls of objects, which only delete.
    static func stripped(_ value: Value) -> Value {
        switch value {
        case .object(let object):
            var kept = Object()
            for (key, member) in object where !isDirective(key) && !member.isNull { kept[key] = stripped(member) }
            return .object(kept)
        case .array(let array):
            return .array(array.filter { $0.object?[patch] != "delete" && $0.object?[patch] != "replace" }.map(stripped))
        default: return value
        }
    }
}

/// The text by which elements of a list are told apart: of objects the value of the merge key, else the scalar itself.
func identityText(_ value: Value) -> String {
    if case .string(let text) = value { text } else { JSON.text(value) }
}

/// The merge key's value of every element, in order.
func identities(_ elements: [Value], by mergeKey: String?, path: [String]) throws(PatchError) -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
        guard let mergeKey else {
            texts.append(identityText(element))
            continue
        }
        let place = "\(path.joined(separator: "."))[\(index)]"
        guard case .object(let object) = element else {
            throw PatchError(.malformed, "\(place) must be an object, found \(element.kindName)")
        }
        guard let value = object[mergeKey] else {
            throw PatchError(.malformed, "\(place) does not contain the declared merge key: \(mergeKey)")
        }
        texts.append(identityText(value))
    }
    return texts
}
