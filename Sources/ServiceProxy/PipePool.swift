import Linux

/// The pipes that streams pass through. A stream has one only while bytes of it are in there: a few serve many.
final class PipePool {
    /// Pipes at a time, two descriptors each: so many streams may have a slow reader. The next ones are copied.
    static let limit = 256
    /// The share of a process' descriptors that they may have; clients and endpoints have the rest.
    static let shareOfDescriptors = 16
    /// Empty pipes that are kept; more than one loop ever fills between two turns.
    static let restingLimit = 8

    /// Of this pool; 0: everything is copied.
    var limit = PipePool.limit
    private var resting: [SplicePipe] = []
    /// Pipes that streams have at present.
    private(set) var lentCount = 0

    var restingCount: Int { resting.count }

    /// An empty pipe; nil when there are enough, or the kernel gives no more for now. Whoever takes one gives it back.
    func take() -> SplicePipe? {
        guard lentCount < limit else { return nil }
        guard let pipe = resting.popLast() ?? (try? SplicePipe()) else { return nil }
        lentCount += 1
        return pipe
    }

    /// AFTER this the pipe is another's, or closed: nobody gets what is left in it.
    func giveBack(_ pipe: SplicePipe) {
        lentCount -= 1
        if pipe.isEmpty, resting.count < Self.restingLimit { resting.append(pipe) }
    }
}
