import Formats
import Resources
import Timing

/// What the registry itself writes into `metadata`, and what it lets a writer change there.
enum Metadata {
    /// Fields that a writer cannot change: an update keeps the stored ones.
    static let kept = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]

    /// Puts in what a writer cannot change and takes out what is never stored, in one walk over the metadata.
    static func keep(in new: inout Value, from old: Value) {
        let stored = old["metadata"].object ?? Object()
        guard case .object(var object) = new else { return }
        // The tree is let go of here, so that the changes below happen in place.
        new = .null
        object.update("metadata") { value in
            var metadata = value.object ?? Object()
            value = .null
            for field in kept { metadata[field] = stored[field] }
            for field in ["selfLink", "managedFields"] where metadata[field] != nil { metadata[field] = nil }
            metadata["resourceVersion"] = stored["resourceVersion"]
            value = .object(metadata)
        }
        new = .object(object)
    }

    /// Kubernetes cuts a generateName so that five random characters fit into a name of 63.
    private static let generatedNameLimit = 63
    private static let suffixCount = 5
    /// Without vowels and look-alikes, so that no words come out: Kubernetes' own alphabet.
    private static let suffixAlphabet = Array("bcdfghjklmnpqrstvwxz2456789")

    static func generatedName(from prefix: String, random: inout some RandomNumberGenerator) -> String {
        var name = String(prefix.prefix(generatedNameLimit - suffixCount))
        for _ in 0..<suffixCount { name.append(suffixAlphabet[Int.random(in: 0..<suffixAlphabet.count, using: &random)]) }
        return name
    }

    /// A random (version 4) UUID.
    static func uid(random: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var out: [UInt8] = []
        out.reserveCapacity(36)
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { out.append(UInt8(ascii: "-")) }
            let word = index < 16 ? high : low
            out.append(digits[Int(word >> UInt64(60 - 4 * (index % 16)) & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Kinds whose `metadata.generation` counts changes of what the user asked for.
    static func hasGeneration(_ type: ResourceType) -> Bool {
        switch type.plural {
        case "deployments", "replicasets", "pods", "endpointslices", "images", "poddisruptionbudgets", "trafficpolicies": true
        default: false
        }
    }

    /// Whether two states ask for the same: everything but metadata and status.
    static func asksTheSame(_ a: Value, _ b: Value) -> Bool {
        guard let a = a.object, let b = b.object else { return a == b }
        let inspected = { (key: String) in key != "metadata" && key != "status" && key != "apiVersion" && key != "kind" }
        for (key, value) in a where inspected(key) && b[key] != value { return false }
        for (key, _) in b where inspected(key) && a[key] == nil { return false }
        return true
    }

    /// A finalizer list as strings.
    static func finalizers(_ object: Value) -> [String] { object["metadata"]["finalizers"].elements.compactMap(\.string) }

    /// The whole tree without members that are `null`: Kubernetes' clients write null for "absent".
    static func withoutNulls(_ value: Value) -> Value { hasNull(value) ? dropNulls(value) : value }

    private static func hasNull(_ value: Value) -> Bool {
        switch value {
        case .object(let object): object.contains { $0.value.isNull || hasNull($0.value) }
        case .array(let array): array.contains(where: hasNull)
        default: false
        }
    }

    private static func dropNulls(_ value: Value) -> Value {
        switch value {
        case .object(let object): .object(Object(object.lazy.filter { !$0.value.isNull }.map { ($0.key, dropNulls($0.value)) }))
        case .array(let array): .array(array.map(dropNulls))
        default: value
        }
    }
}
