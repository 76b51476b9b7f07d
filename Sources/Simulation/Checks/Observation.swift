import Formats
import Registry
import Resources
import Traffic

/// Something that a check may want to see, at the moment at which it happens.
enum Observation {
    // The store
    /// A request is about to be judged.
    case submitting(Request, Writers.Writer, SimulatedStore)
    /// It was accepted; these are on their way to the disk.
    case submitted([RegistryRecord])
    /// A commit is seen by everybody from here on.
    case published(PublishedEvent, by: Writers.Writer, disk: SimulatedDisk)
    /// A read was answered.
    case read(Request, Reply)
    /// The store was built anew from the disk.
    case recovered(Registry, bootstrapped: [PublishedEvent])

    // Nodes
    case started(SimulatedProcess)
    case ended(SimulatedProcess, code: Int)
    /// An agent took over a process for a container.
    case adopted(SimulatedProcess, podUID: String, container: String)
    /// A signal is about to be sent.
    case signalled(SimulatedProcess, isKill: Bool, by: SimulatedPod, isForDeletion: Bool)
    /// What is left of a pod that is no more is about to be killed.
    case leftoverKilled(SimulatedProcess, podUID: String)
    /// A liveness probe's verdict ends a container's run.
    case restartDecided(SimulatedPod, isServing: Bool)
    /// An agent has nothing of the pod any more.
    case cleared(SimulatedPod)
    /// An agent believes that nothing reaches the pod any more.
    case drained(SimulatedPod)
    case addressTaken(UInt32, podUID: String)

    // Proxies and clients
    case routesChanged(SimulatedProxy)
    /// A proxy has chosen an endpoint.
    case routed(ClientRequest, EndpointAddress, by: SimulatedProxy)
    /// A program has accepted the request.
    case reached(ClientRequest, SimulatedProcess)
    case refusedByProxy(ClientRequest, ExchangeFailure, by: SimulatedProxy)
    /// Nobody accepted it where a proxy sent it.
    case refused(ClientRequest, by: SimulatedProxy)
    /// A breaker is about to be told what became of a request.
    case judged(ClientRequest, isFailure: Bool, by: SimulatedProxy)
    case healthTurned(HealthChange, by: SimulatedProxy)
    case failedOver(Router.Failover, by: SimulatedProxy)
    /// A client with a token went elsewhere.
    case ledAway(SimulatedExchange, from: SessionToken, by: SimulatedProxy)
    case requestServed(ClientRequest)
    case requestLost(ClientRequest, String)

    // The run
    /// Faults are over and everything was as wanted once.
    case settled
}

/// One promise, held against everything that happens. A check remembers what it needs and says so at once when the promise is broken.
protocol Check: AnyObject {
    /// The promise in a few words.
    var name: String { get }
    func observe(_ observation: Observation, in world: World)
}

/// All checks.
enum Checks {
    static func all() -> [any Check] {
        [
            AcknowledgedWrites(), DurableReads(), OneWriter(), DeploymentBudget(), OneProcess(), SignalsInOrder(), DrainedTraffic(),
            AddressReuse(), RestartWaits(), NodeRoom(), RoutableRequests(), StarvedHost(), PlannedActions(),
            OnceOnly(), EjectionFloor(), BreakerTurns(), FailBackDelay(), KeptSessions(), PresentAgents(),
        ]
    }
}
