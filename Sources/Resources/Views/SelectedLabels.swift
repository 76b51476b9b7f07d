import Formats

/// The labels of a pod that TrafficPolicies select by, in its endpoint.
///
/// A proxy that watched pods to tell their groups would get every change of every pod's status. The endpoint plan sees the pods anyhow: it writes
/// the few labels that the policies of a Service ask for into its slices, and nothing where none asks.
package struct SelectedLabels: Hashable, Sendable {
    package var labels: [String: String]

    /// Of a pod's labels those that are asked for.
    package init(_ labels: [String: String], keys: some Collection<String>) {
        self.labels = keys.isEmpty ? [:] : labels.filter { keys.contains($0.key) }
    }

    /// The member of an endpoint's `deprecatedTopology`, the one map of it that is free for anything.
    package static let topologyKey = "steady.dev/labels"

    package init(endpoint: Value) {
        labels = [:]
        guard let text = endpoint["deprecatedTopology"][Self.topologyKey].string else { return }
        // Neither a label's name nor its value has a comma or an equals sign.
        for pair in text.split(separator: ",") {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            labels[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
    }

    /// Nil where there is nothing to write.
    package var topologyText: String? {
        labels.isEmpty ? nil : labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
