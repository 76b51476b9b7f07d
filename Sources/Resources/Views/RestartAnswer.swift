import Formats

/// What the registry answers to somebody who asks for a restart, where it does not refuse (429): the `reason` of the Status.
package enum RestartAnswer: String, Sendable {
    /// Now, in place.
    case permitted = "Permitted"
    /// Not in place: another pod is made, and this one goes when that is available.
    case replaced = "ReplacedFirst"

    package init?(_ status: Value) { self.init(rawValue: status["reason"].string ?? "") }
}
