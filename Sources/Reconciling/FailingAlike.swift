import Resources
import Timing

/// Replicas of one set that fail their liveness probes together, so that restarts may be no remedy.
struct FailingAlike: Hashable {
    /// Those that serve, and whose restart is held back.
    private(set) var heldCount = 0
    /// Those that were restarted, and of which nobody knows yet whether it helps.
    private(set) var trialCount = 0
    /// Of those the ones that have failed again already.
    private(set) var repeatedCount = 0
    /// When the first of those trials ends by itself; nil while none runs.
    private(set) var trialLeft: Duration?
    private let wanted: Int

    /// `wanted`: how many replicas the set is to have.
    init(_ pods: [ObservedPod], wanted: Int, now: Timestamp) {
        self.wanted = wanted
        for pod in pods {
            if pod.isReady, pod.isRestartHeldBack {
                heldCount += 1
            } else if let trial = pod.restartTrial, trial.isAwaited(now: now) {
                trialCount += 1
                if trial.permit?.isRepeated ?? false { repeatedCount += 1 }
                let left = trial.left(now: now)
                if left > .zero { trialLeft = min(trialLeft ?? left, left) }
            }
        }
    }

    /// Not a single bad replica.
    var isSeveral: Bool { heldCount + trialCount > 1 }

    /// What is told of them while restarts are held back. Of those that were restarted it says no more than that: they may serve, or not.
    var message: String {
        let held =
            "\(heldCount) of \(wanted) replicas \(heldCount == 1 ? "fails its liveness probe and goes" : "fail their liveness probes and go") on serving"
        guard trialCount > 0 else { return "\(held): the restart that would end that is held back" }
        if repeatedCount > 0 {
            let it = repeatedCount == 1 ? "it" : "they"
            return
                "\(held): \(repeatedCount) more failed again after a restart, which does not help, and \(it) alone will be restarted until one does"
        }
        return "\(held) until \(trialCount) more, restarted for that, \(trialCount == 1 ? "shows" : "show") whether a restart helps"
    }
}
