import APIClient
import Formats

/// What `/version` says. kubectl chooses its behaviour, and a dispatching kubectl its binary, by `minor`.
package enum Version {
    /// The Kubernetes release whose API is spoken; the build metadata says who speaks it.
    package static let kubernetes = "v1.33.0+steady.\(steady)"
    package static let steady = Release.version

    /// `platform` is what kubectl prints, `linux/amd64`.
    package static var document: Value {
        [
            "major": "1", "minor": "33", "gitVersion": .string(kubernetes), "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "swift", "platform": .string(platform),
        ]
    }

    private static var platform: String {
        #if arch(x86_64)
            "linux/amd64"
        #elseif arch(arm64)
            "linux/arm64"
        #else
            "linux/unknown"
        #endif
    }
}
