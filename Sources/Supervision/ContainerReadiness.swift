import Timing

extension ContainerMachine.Run {
    /// Keeps when it became Ready, and for how long it was.
    mutating func noteReadiness(_ isReady: Bool, now: Instant) {
        if isReady {
            if readySince == nil { readySince = now }
        } else if let since = readySince {
            lastReadyFor = now - since
            readySince = nil
        }
    }
}
