/// How much programs of this machine wait for a processor, as the kernel tells since Linux 4.20 (pressure stall information).
package enum CPUPressure {
    /// The share of the last ten seconds, in per cent, in which at least one task waited; nil where the kernel does not tell.
    package static func share() -> Double? { (try? Files.text("/proc/pressure/cpu")).flatMap(share(of:)) }

    /// From `some avg10=1.23 avg60=…`.
    static func share(of text: String) -> Double? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") }),
            let field = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") })
        else { return nil }
        return Double(field.dropFirst("avg10=".count))
    }
}
