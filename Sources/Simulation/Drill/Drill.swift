import Timing

/// One question to an application: what happens to it when this fails while that goes on.
///
/// Where a `SimulationRun` lets many things happen at random moments, to find mistakes of the orchestrator, a drill lets one thing happen once, to
/// find those of a manifest; only the moment, the place and the pace of everything are random.
package struct Drill: Sendable, Hashable {
    /// What people do meanwhile.
    package enum Occasion: String, CaseIterable, Sendable, Hashable {
        case steady, rollout, scale, drain
    }

    /// Nil: nothing fails, and the occasion alone is looked at.
    package var fault: FaultKind?
    package var occasion: Occasion

    package init(_ fault: FaultKind?, during occasion: Occasion) {
        self.fault = fault
        self.occasion = occasion
    }

    /// `zone-loss during rollout`, `crash`, `rollout`.
    package var name: String {
        guard let fault else { return occasion.rawValue }
        return occasion == .steady ? fault.rawValue : "\(fault.rawValue) during \(occasion.rawValue)"
    }

    /// What is asked when nobody says what to ask: everything that is planned, and the failures of every data centre at rest and at the worst moment.
    package static let standard: [Drill] =
        Occasion.allCases.map { Drill(nil, during: $0) }
        + [FaultKind.processCrash, .processHang, .slowStart, .nodeLoss, .zoneLoss, .serverCrash, .proxyCrash].flatMap { fault in
            [Drill(fault, during: .steady), Drill(fault, during: .rollout)]
        }

    /// The faults that strike once; those that live in programs and clocks have no moment.
    package static let faults: [FaultKind] = FaultKind.allCases.filter { $0.strikesAtAMoment || $0 == .slowStart || $0 == .ignoreTerm }
}
