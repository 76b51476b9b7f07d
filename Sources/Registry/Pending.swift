import Formats
import Resources

enum Defaults { static func apply(_ value: inout Value, type: ResourceType) { if type.plural == "namespaces", value["spec"]["finalizers"].isNull { value["spec"]["finalizers"] = ["kubernetes"] } } }
enum Validation { static func check(_ value: Value, type: ResourceType, old: Value?) -> [StatusError.Cause] { [] } }
enum MergePatch { static func apply(_ patch: Value, to: Value) -> Value {
    guard case .object(let p) = patch else { return patch }
    var out = to.object ?? Object()
    for (k, v) in p { if v.isNull { out[k] = nil } else { out[k] = apply(v, to: out[k] ?? .null) } }
    return .object(out)
} }
struct PatchError: Error {}
enum JSONPatch { static func apply(_ patch: Value, to: Value) throws(PatchError) -> Value { to } }
enum StrategicMerge { static func apply(_ patch: Value, to: Value, keys: Int) throws(PatchError) -> Value { MergePatch.apply(patch, to: to) } }
enum ImageReference { static func normalize(_ s: String) -> String { s } }
extension ResourceType { var mergeKeys: Int { 0 } }
extension LabelSelector: CustomStringConvertible { init(object: Value) throws(PatchError) { self = .everything }; package var description: String { "" } }
