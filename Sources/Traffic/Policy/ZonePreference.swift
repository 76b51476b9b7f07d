/// How much of a client's traffic stays near it.
enum ZonePreference {
    /// As much as of what is near is healthy; what is missing there goes elsewhere, in proportion. All of it where there is nothing elsewhere.
    ///
    /// - Parameters:
    ///   - total: those near that could be healthy, without the ones that are on their way out.
    static func share(healthy: Int, of total: Int, elsewhere: Int) -> Double {
        if healthy == 0 { return 0 }
        return elsewhere == 0 ? 1 : Double(healthy) / Double(max(total, healthy))
    }
}
