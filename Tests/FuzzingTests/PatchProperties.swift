import Formats

extension Property {
    /// A document, a zero byte, a patch: applied as JSON patch and as merge patch. A difference leads where it says.
    static let patch = Property(name: "patch") { bytes in
        guard let (first, second) = halves(bytes), let value = try? JSON.parse(first), let patch = try? JSON.parse(second) else {
            return nil
        }
        if let patched = try? JSONPatch.apply(patch, to: value), (try? JSON.parse(JSON.serialize(patched))) == nil {
            return "JSON patch made a document that is not read"
        }
        let merged = MergePatch.apply(patch, to: value)
        if MergePatch.apply(patch, to: merged) != merged { return "a merge patch applied twice is not what it is applied once" }
        let difference = MergePatch.diff(from: value, to: merged)
        if case .object = value, case .object = merged, !MergePatch.apply(difference, to: value).isEquivalent(to: merged) {
            return "the merge patch that was made leads elsewhere"
        }
        return nil
    }

    /// A document, a zero byte, a patch or another document: merged strategically with lists that merge by `name`, atomic ones and sets.
    static let strategic = Property(name: "strategic") { bytes in
        guard let (first, second) = halves(bytes), let value = try? JSON.parse(first), let other = try? JSON.parse(second) else {
            return nil
        }
        if let merged = try? StrategicMerge.apply(other, to: value, keys: keys), (try? JSON.parse(JSON.serialize(merged))) == nil {
            return "a strategic merge made a document that is not read"
        }
        _ = try? StrategicMerge.diff(from: value, to: other, keys: keys)
        _ = try? StrategicMerge.threeWay(original: value, modified: other, current: value, keys: keys)
        _ = try? StrategicMerge.threeWay(original: nil, modified: other, current: value, keys: keys)
        return nil
    }

    private static let keys = MergeKeys { path in
        switch path.last ?? "" {
        case "a", "containers", "ports": .mergeByKey("name")
        case "s", "finalizers": .mergeSet
        default: .atomic
        }
    }
}
