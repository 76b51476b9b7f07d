import Formats
import Resources

/// What plans read of a ConfigMap.
package struct ObservedConfigMap: Sendable {
    package var meta: ObservedMeta
    /// How long the body is that it would give a fallback's response, in bytes.
    package var bodySize: Int

    package init(_ value: Value) {
        meta = ObservedMeta(value)
        bodySize = FixedResponse.body(in: value["data"].stringMap)?.utf8.count ?? 0
    }

    package init(meta: ObservedMeta, bodySize: Int) {
        self.meta = meta
        self.bodySize = bodySize
    }
}
