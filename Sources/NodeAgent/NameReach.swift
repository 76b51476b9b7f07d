import Linux

/// How far a program comes with names of Services, where that is not all the way: by what it is made of.
enum NameReach: Hashable {
    /// musl asks over UDP without `connect`, and believes only the address that it asked.
    case none
    /// Go without cgo knows no variable for the search list.
    case full
    /// Whatever it resolves with is in it.
    case unknown

    /// Nil where names work.
    init?(_ form: ProgramForm) {
        switch form {
        case .dynamic(let loader) where loader.contains("ld-musl"): self = .none
        case .whole(isGo: true): self = .full
        case .whole(isGo: false): self = .unknown
        case .dynamic, .script, .other: return nil
        }
    }

    var reason: String { self == .none ? "NamesUnavailable" : "NamesLimited" }

    /// - Parameter service: one of the namespace, for the example.
    func words(program: String, service: String, namespace: String) -> String {
        let stem = service.uppercased().replacing("-", with: "_")
        let variables = "$\(stem)_SERVICE_HOST and $\(stem)_SERVICE_PORT"
        switch self {
        case .none:
            return
                "\(program) resolves names with musl, which finds no Service: use \(variables), or a build for glibc (annotation "
                + "steady.dev/dns: \"off\" says that it needs no names)"
        case .full:
            return
                "\(program) is Go without cgo, which finds Services by full names alone: \(service).\(namespace).svc.cluster.local; or use "
                + "\(variables), or build it with CGO_ENABLED=1"
        case .unknown:
            return
                "\(program) is linked statically: with glibc in it names of Services work, with musl they do not; then use \(variables)"
        }
    }
}
