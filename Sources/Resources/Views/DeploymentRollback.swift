/// The annotation by which a Deployment is told to go back by itself when a new version fails.
package enum DeploymentRollback {
    package static let annotation = "steady.dev/rollback-on-failure"
    /// What it may say.
    package static let values = ["true", "false"]
}
