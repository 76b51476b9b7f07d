import APIClient
import Linux

/// A descriptor store in this process.
final class KeepingStore: DescriptorStore {
    private var kept: [String: Int32] = [:]

    var names: [String] { kept.keys.sorted() }

    func store(_ name: String, _ descriptor: Int32) { kept[name] = descriptor }
    func remove(_ name: String) { kept[name] = nil }
    func fetchAll() -> [(name: String, descriptor: Int32)] {
        defer { kept = [:] }
        return kept.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
