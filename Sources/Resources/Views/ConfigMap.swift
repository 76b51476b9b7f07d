import Formats

/// Names and texts that programs read.
package struct ConfigMap: Sendable {
    package var meta: ObjectMeta
    package var data: [String: String]
    /// Decoded from base64.
    package var binaryData: [String: [UInt8]]
    package var isImmutable: Bool
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        data = value["data"].stringMap
        binaryData = value["binaryData"].stringMap.compactMapValues { Base64.decode($0) }
        isImmutable = value["immutable"].bool ?? false
    }

    /// Every key with its bytes: what files and variables are made from.
    package var bytes: [String: [UInt8]] { data.mapValues { Array($0.utf8) }.merging(binaryData) { text, _ in text } }
}

/// Names and bytes that programs read and others should not.
package struct Secret: Sendable {
    package var meta: ObjectMeta
    package var type: String
    /// Decoded from base64; what is no base64 is left out.
    package var data: [String: [UInt8]]
    package var isImmutable: Bool
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        type = value["type"].string ?? "Opaque"
        data = value["data"].stringMap.compactMapValues { Base64.decode($0) }
        isImmutable = value["immutable"].bool ?? false
    }
}

/// A namespace: a room for names.
package struct Namespace: Sendable {
    package var meta: ObjectMeta
    package var finalizers: [String]
    /// `Active` or `Terminating`.
    package var phase: String
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        finalizers = value["spec"]["finalizers"].strings
        phase = value["status"]["phase"].string ?? "Active"
    }

    package var isTerminating: Bool { meta.isTerminating || phase == "Terminating" }
}
