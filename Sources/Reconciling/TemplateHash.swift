import Formats

/// The label that tells the pods of one version of a template from those of another.
///
/// The same template gives the same hash in every process and every release: members are hashed in the order of their names, and the label itself
/// is left out. Sixty-four bits of FNV-1a over a canonical text, written with letters and digits that spell no words.
package enum TemplateHash {
    package static let label = "pod-template-hash"

    /// - Parameter collisionCount: how often the resulting name was already taken by another template.
    package static func of(_ template: Value, collisionCount: Int64) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func feed(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        func feed(_ text: String) {
            for byte in text.utf8 { feed(byte) }
            feed(0)
        }
        func walk(_ value: Value) {
            switch value {
            case .null: feed("n")
            case .bool(let b): feed(b ? "t" : "f")
            case .int(let i): feed("i\(i)")
            case .double(let d): feed("d\(d)")
            case .string(let s): feed("s" + s)
            case .array(let elements):
                feed("[")
                for element in elements { walk(element) }
                feed("]")
            case .object(let object):
                feed("{")
                for (key, member) in object.entries.sorted(by: { $0.key < $1.key }) where !member.isNull {
                    feed(key)
                    walk(member)
                }
                feed("}")
            }
        }
        walk(bare(template))
        if collisionCount > 0 { feed("#\(collisionCount)") }
        return encode(hash)
    }

    /// The template without the hash label: what two versions are compared by.
    package static func bare(_ template: Value) -> Value {
        guard !template["metadata"]["labels"][label].isNull else { return template }
        var out = template
        out["metadata"]["labels"][label] = .null
        return out
    }

    /// Whether two templates describe the same pods.
    package static func isSame(_ a: Value, _ b: Value) -> Bool { normal(bare(a)) == normal(bare(b)) }

    /// Empty labels and absent ones are the same.
    private static func normal(_ template: Value) -> Value {
        guard template["metadata"]["labels"].object?.isEmpty ?? false else { return template }
        var out = template
        out["metadata"]["labels"] = .null
        return out
    }

    /// Ten characters without vowels and without digits that look like them.
    private static func encode(_ hash: UInt64) -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
        var rest = hash
        var out: [UInt8] = []
        for _ in 0..<10 {
            out.append(alphabet[Int(rest % UInt64(alphabet.count))])
            rest /= UInt64(alphabet.count)
        }
        return String(decoding: out, as: UTF8.self)
    }
}
