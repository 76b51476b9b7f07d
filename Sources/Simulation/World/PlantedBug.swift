/// Classic mistakes of orchestrators, each planted by one switch in the simulated drivers or around the plans. A simulator that does not find them
/// proves nothing.
package enum PlantedBug: String, CaseIterable, Sendable, Hashable {
    /// TERM goes out before the proxies have acknowledged that nothing reaches the pod any more.
    case killBeforeDrain
    /// A process is recognised by its number alone.
    case pidReuse
    /// The wait before a restart doubles for ever.
    case backoffNeverResets
    /// A roll waits for an old version to become ready that never will.
    case brokenStableVersion
    /// Probes that time out while the host has no CPU left count, and everything is restarted.
    case livenessUnderStarvation
    /// Endpoints that failed are ejected, the last one too.
    case lastEndpointEjected
    /// Two schedulers place pods, each with its own idea of what is free.
    case twoSchedulers
    /// A watch goes on from its old revision at a server that was started again.
    case staleWatchAfterRestart
    /// What an earlier agent left of pods that are gone is forgotten instead of killed.
    case orphanAfterAdoption
    /// A change that comes while a key's own writes are under way is not looked at again.
    case lostWakeUp
    /// A sync that failed counts as done.
    case syncErrorIgnored
    /// A pod's address is given to another pod while proxies may still route there.
    case addressReusedEarly
    /// The time for which a request may look for an endpoint runs on while an endpoint has it.
    case searchCountsService
    /// A bit that has changed on the disk is not noticed.
    case damageUnnoticed
    /// What a program has started besides itself is not killed with it.
    case childrenForgotten
    /// A program sometimes runs without its record having been written.
    case programBeforeRecord
    /// A request that may be run once only is sent to another endpoint when the first one has lost it.
    case postRepeated
    /// A client's session leads to its endpoint, whatever has become of that.
    case stickyToDrained
    /// Traffic goes back to a better priority as soon as that is healthy again, whatever its policy says.
    case failBackAtOnce
    /// What came of a breaker's trial is told to nobody: the next one never comes.
    case trialForgotten
    /// A node is lost when no renewal of its lease is seen, though the disk hangs and none of anybody's is.
    case leasesJudgedByThemselves
    /// The scheduler does not look whether anybody is there who could begin what it places.
    case absenceIgnored
    /// Nobody tells the agents that another proxy comes: drains end without its word.
    case newProxyUnannounced
}
