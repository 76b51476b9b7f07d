/// Runs a seed again that something was found with: scenarios that have a name are made anew from it.
package enum Replay {
    /// The scenario of this name for a seed: `stormy`, `policed`, `people`, `calm`, a planted bug, or `without-` and a planted bug; nil: there is none.
    package static func scenario(_ name: String, seed: UInt64) -> Scenario? {
        switch name {
        case "stormy": return Samples.stormy(seed)
        case "policed": return Samples.policed(seed)
        case "people": return Samples.peopled
        case "calm": return Scenario("calm", objects: Samples.web())
        default:
            let isPlanted = !name.hasPrefix(Museum.without)
            let bug = isPlanted ? name : String(name.dropFirst(Museum.without.count))
            return PlantedBug(rawValue: bug).map { Museum.scenario(for: $0, isPlanted: isPlanted) }
        }
    }

    /// The command that shows the seed's history; nil for a scenario that cannot be made from its name.
    static func command(_ scenario: Scenario, seed: UInt64) -> String? {
        self.scenario(scenario.name, seed: seed) == nil ? nil : "swift run -c release SimulationBenchmark history \(scenario.name) \(seed)"
    }
}
