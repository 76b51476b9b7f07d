import Timing

/// What the network does to those who talk to the server: delays, losses, and who is cut off in which direction.
final class Network {
    /// How long a message takes when nothing is wrong.
    var delay: ClosedRange<Duration> = .microseconds(30)...(.microseconds(300))
    /// The part of messages whose connection breaks under them.
    var lossProbability = 0.0
    /// The part of messages that nobody ever hears of.
    var vanishProbability = 0.0
    /// The part of requests that are sent again because their first answer did not arrive.
    var duplicateProbability = 0.0
    /// The part of messages that take so long that others overtake them.
    var straggleProbability = 0.0
    /// Roles whose messages to the server do not arrive, and roles that hear nothing from it.
    var cutToServer: Set<String> = []
    var cutFromServer: Set<String> = []

    /// What a role that hears nothing waits before it gives a request up: the client's own limit.
    static let timeout: Duration = .seconds(30)

    /// What overtakes may have been sent this much later.
    static let straggleTime: ClosedRange<Duration> = .milliseconds(5)...(.seconds(2))

    func heal() {
        delay = .microseconds(30)...(.microseconds(300))
        lossProbability = 0
        vanishProbability = 0
        duplicateProbability = 0
        straggleProbability = 0
        cutToServer = []
        cutFromServer = []
    }
}
