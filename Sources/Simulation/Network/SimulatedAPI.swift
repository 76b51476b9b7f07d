import Resources
import Timing

/// The API as controllers, agents, proxies and people see it, in process or through the network: the simulated twin of `ResourceAPI`.
protocol SimulatedAPI: AnyObject {
    var world: World { get }
    /// Whose calls these are: what is answered after its end is heard by nobody.
    var life: Life { get }

    /// `done` is called at most once, later; not at all when the caller's life ends before.
    func perform(_ request: Request, by writer: Writers.Writer, _ done: @escaping (Result<Reply, StatusError>) -> Void)

    func watch(_ list: ListRequest, from: Revision?, _ onSignal: @escaping (WatchSignal) -> Void)
}
