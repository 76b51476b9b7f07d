import Formats
import Timing

/// The scenarios in which planted bugs are looked for: each gives its bug a chance within few seeds.
package enum Museum {
    /// Seeds within which a planted bug has to be found.
    package static let seedLimit: UInt64 = 60

    /// What stands before a bug's name where all is as in its world, but for the bug.
    static let without = "without-"

    package static func scenario(for bug: PlantedBug, isPlanted: Bool = true) -> Scenario {
        var scenario = Scenario("\(isPlanted ? "" : without)\(bug.rawValue)", objects: Samples.web())
        scenario.planted = isPlanted ? bug : nil
        switch bug {
        case .killBeforeDrain:
            scenario.actions = [.roll]
        case .pidReuse:
            scenario.faults = [.nodeLoss, .processCrash]
            scenario.processNumberCount = 7
        case .backoffNeverResets:
            scenario.faults = [.processCrash]
            scenario.chaosTime = .seconds(300)
        case .brokenStableVersion:
            scenario.actions = [.rollToBroken]
        case .livenessUnderStarvation:
            scenario.faults = [.starvation]
        case .lastEndpointEjected:
            scenario.objects = Samples.web(replicas: 1)
            scenario.faults = [.processCrash]
        case .twoSchedulers:
            scenario.objects = Samples.web(replicas: 4, cpu: "1900m")
            scenario.nodesPerZone = 2
            scenario.coresPerNode = 2
            scenario.actions = [.scale, .roll]
        case .staleWatchAfterRestart:
            scenario.faults = [.serverCrash, .proxyCrash]
        case .orphanAfterAdoption:
            scenario.faults = [.pause]
            scenario.actions = [.forceDelete]
        case .lostWakeUp:
            scenario.actions = [.scale, .roll, .undo]
            scenario.faults = [.processCrash]
        case .syncErrorIgnored:
            scenario.faults = [.syncFailure, .serverCrash]
            scenario.actions = [.scale]
        case .addressReusedEarly:
            scenario.addressesPerNode = 3
            scenario.faults = [.partition]
            scenario.actions = [.roll]
            scenario.chaosTime = .seconds(200)
        case .searchCountsService:
            scenario.objects = Samples.web(replicas: 2)
            scenario.standardProgram.serviceTime = .seconds(2)...(.seconds(5))
            scenario.faults = [.processCrash]
            scenario.requestsPerSecond = 40
            scenario.chaosTime = .seconds(240)
        case .damageUnnoticed:
            scenario.faults = [.flippedBit]
            scenario.actions = [.scale]
        case .childrenForgotten:
            scenario.faults = [.fork, .processCrash]
            scenario.standardProgram.childCount = 2
        case .programBeforeRecord:
            scenario.actions = [.roll]
        case .postRepeated:
            scenario.faults = [.processCrash]
            scenario.requestsPerSecond = 40
            scenario.standardProgram.serviceTime = .milliseconds(100)...(.milliseconds(400))
        case .stickyToDrained:
            scenario.objects = Samples.sessions()
            scenario.actions = [.roll]
        case .failBackAtOnce:
            scenario.objects = Samples.standby(replicas: 2, livenessPeriod: nil)
            scenario.faults = [.processCrash]
            scenario.standardProgram.startTime = .seconds(8)...(.seconds(10))
            scenario.requestsPerSecond = 20
            scenario.chaosTime = .seconds(120)
        case .trialForgotten:
            scenario.objects = Samples.breaker()
            scenario.faults = [.errors]
        case .absenceIgnored:
            scenario.nodesPerZone = 2
            scenario.faults = [.zoneLoss]
        case .newProxyUnannounced:
            scenario.objects = Samples.web(replicas: 6)
            // Forgets who has acknowledged what: the one that goes may be the first to say it again, while it still has requests.
            scenario.faults = [.serverCrash]
            scenario.actions = [.upgrade, .roll]
            scenario.standardProgram.serviceTime = .milliseconds(500)...(.seconds(5))
            scenario.requestsPerSecond = 5
            scenario.chaosTime = .seconds(400)
        case .leasesJudgedByThemselves:
            scenario.faults = [.slowDisk]
            scenario.actions = [.roll, .scale]
            scenario.chaosTime = .seconds(240)
        }
        return scenario
    }
}

extension PlantedBug {
    /// The promises, by their checks' names, one of which is the first that the bug breaks.
    package var checks: Set<String> {
        switch self {
        case .killBeforeDrain: ["TERM after the acknowledged drain"]
        case .newProxyUnannounced: ["TERM after the acknowledged drain", "no request after the drain"]
        case .pidReuse, .childrenForgotten, .programBeforeRecord: ["one process per container, with its record"]
        case .backoffNeverResets: ["back-off is bounded and reset"]
        case .brokenStableVersion, .orphanAfterAdoption: ["everything comes to rest when faults are over"]
        case .lostWakeUp: ["everything comes to rest when faults are over", "a planned action comes to its end"]
        case .livenessUnderStarvation: ["nobody is restarted for the host's starvation"]
        case .lastEndpointEjected, .searchCountsService: ["nobody is turned away while an endpoint serves"]
        case .twoSchedulers: ["no node is given more than it has"]
        case .staleWatchAfterRestart: ["watches have no gaps"]
        case .damageUnnoticed: ["acknowledged writes survive"]
        case .syncErrorIgnored: ["nothing undurable is read", "acknowledged writes survive"]
        case .addressReusedEarly: ["no address is reused too early"]
        case .postRepeated: ["what may be run once is run once"]
        case .stickyToDrained: ["no request after the drain"]
        case .failBackAtOnce: ["traffic goes back after its delay"]
        case .trialForgotten: ["policies let go when nothing fails"]
        case .leasesJudgedByThemselves: ["who can be heard is not given up"]
        case .absenceIgnored: ["no pod is placed on a node whose agent is known to be away"]
        }
    }
}
