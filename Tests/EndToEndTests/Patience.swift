#if canImport(Glibc)
    import Glibc
#endif

/// How a test looks again at what nobody announces.
enum Patience {
    /// Between two looks: short beside what is waited for, and long enough that who looks takes no processor from whom it waits for.
    static func pause() { poll(nil, 0, 2) }
}
