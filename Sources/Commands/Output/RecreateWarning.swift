import Formats

/// What a new template costs a deployment of strategy Recreate: said by every verb that changes one.
enum RecreateWarning {
    private static let text = "strategy Recreate stops the old replicas before the new ones start: requests fail meanwhile"

    /// Nil where the deployment rolls.
    static func text(of deployment: Value) -> String? { deployment["spec"]["strategy"]["type"].string == "Recreate" ? text : nil }

    static func print(of deployment: Value, _ terminal: Terminal) {
        if let text = text(of: deployment) { terminal.complain("Warning: \(text)") }
    }
}
