import Timing

extension TrafficPolicy {
    /// Whether it goes before another one that names the same target: the older does, then the first by name (the Gateway API's order for conflicts,
    /// GEP-713).
    package func goesBefore(_ other: TrafficPolicy) -> Bool {
        let (mine, its) = (age, other.age)
        return mine == its ? (meta.namespace, meta.name) < (other.meta.namespace, other.meta.name) : mine < its
    }

    private var age: Int64 { meta.creationTimestamp?.nanosecondsSince1970 ?? 0 }
}
