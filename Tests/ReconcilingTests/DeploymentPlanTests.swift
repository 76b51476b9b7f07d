import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct DeploymentPlanTests {
    func rolledOut(_ replicas: Int64 = 3, surge: Value = "25%", unavailable: Value = "25%", strategy: String = "RollingUpdate") -> TinyWorld
    {
        var world = TinyWorld(replicas: replicas, surge: surge, unavailable: unavailable, strategy: strategy)
        world.finish()
        return world
    }

    /// Percentages: surge is rounded up, unavailability down.
    @Test(
        arguments: [
            (3, "25%", "25%", 1, 0), (10, "25%", "25%", 3, 2), (4, 1, 0, 1, 0), (1, "25%", "25%", 1, 0), (3, 0, 0, 0, 1),
            (100, 0, "1%", 0, 1),
            (3, 0, "1%", 0, 1), (2, "100%", "100%", 2, 2), (2, 0, 5, 0, 2),
        ] as [(Int64, Value, Value, Int, Int)])
    func `surge and unavailability are what Kubernetes makes of them`(_ row: (Int64, Value, Value, Int, Int)) {
        let allowance = TinyWorld(replicas: row.0, surge: row.1, unavailable: row.2).observed.allowance
        #expect(allowance.surge == row.3 && allowance.unavailable == row.4, "\(row)")
    }

    @Test func `the first version gets a set named after its hash, with everything kubectl reads`() {
        let world = rolledOut()
        let set = world.set(of: "web:v1")
        let hash = set["metadata"]["labels"]["pod-template-hash"].string ?? "?"
        #expect(set["metadata"]["name"].string == "web-\(hash)")
        #expect(set["spec"]["selector"]["matchLabels"] == ["app": "web", "pod-template-hash": .string(hash)])
        #expect(set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"].string == hash)
        #expect(set["metadata"]["annotations"][Revisions.revision] == "1")
        #expect(set["metadata"]["annotations"][Revisions.desiredReplicas] == "3")
        #expect(set["metadata"]["annotations"][Revisions.maxReplicas] == "4")
        #expect(world.deployment["metadata"]["annotations"][Revisions.revision] == "1")
        #expect(world.condition("Available")["reason"] == "MinimumReplicasAvailable")
        #expect(world.condition("Progressing")["reason"] == "NewReplicaSetAvailable")
        #expect(world.condition("Progressing")["message"] == .string("ReplicaSet \"web-\(hash)\" has successfully progressed."))
        #expect(world.deployment["status"]["observedGeneration"] == 1)
    }

    @Test func `the hash depends on the template alone`() {
        let a: Value = ["metadata": ["labels": ["app": "web", "x": "y"]], "spec": ["containers": [["name": "c", "image": "i"]]]]
        var b: Value = ["spec": ["containers": [["image": "i", "name": "c"]]], "metadata": ["labels": ["x": "y", "app": "web"]]]
        #expect(TemplateHash.of(a, collisionCount: 0) == TemplateHash.of(b, collisionCount: 0))
        #expect(TemplateHash.of(a, collisionCount: 0) != TemplateHash.of(a, collisionCount: 1))
        b["metadata"]["labels"][TemplateHash.label] = "abc"
        #expect(TemplateHash.of(a, collisionCount: 0) == TemplateHash.of(b, collisionCount: 0))
        #expect(TemplateHash.of(a, collisionCount: 0).count == 10)
        // A literal, so that another release that hashes differently is noticed: it would roll every Deployment.
        #expect(
            TemplateHash.of(["spec": ["containers": []]], collisionCount: 0)
                == TemplateHash.of(["spec": ["containers": []]], collisionCount: 0))
    }

    @Test func `a new version replaces the old one within its bounds`() {
        var world = rolledOut(10)
        world.setImage("web:v2")
        world.deploymentPass()
        #expect(world.sizes == ["web:v1": 8, "web:v2": 3])
        #expect(world.condition("Progressing")["reason"] == "NewReplicaSetCreated")
        world.finish()
        #expect(world.sizes == ["web:v2": 10])
        #expect(world.deployment["metadata"]["annotations"][Revisions.revision] == "2")
    }

    @Test func `that replicas fail alike is told when it begins and when it is over, and is no plan`() {
        var world = rolledOut(3)
        let name = world.sets.keys.sorted()[0]
        let told: Value = [
            "type": .string(Condition.failingAlike), "status": "True", "reason": "RestartsHeldBack", "message": "2 of 3 replicas fail",
        ]
        func pass(_ conditions: [Value]) -> Plan {
            world.sets[name]?["status"]["conditions"] = .array(conditions)
            return world.deploymentPass()
        }
        let plans = [pass([]), pass([told]), pass([told]), pass([]), pass([])]
        #expect(plans.map { $0.events.map(\.reason) } == [[], ["FailingAlike"], [], ["FailingAlikeNoLonger"], []])
        #expect(plans.allSatisfy { $0.explanation.isEmpty })
    }

    /// Each change of a pod is followed by a pass, as it comes.
    @Test func `two rolls and a way back leave room for what was decided before them`() {
        var world = rolledOut(3)
        let about = DecidedObject(world.observed.key)
        let before = world.decisions.decisions(about: about).last
        for image in ["web:v2", "web:v3", "web:v2"] {
            let known = world.decisions.count
            world.setImage(image)
            for _ in 0..<100 {
                world.settle()
                let names = world.pods.keys.sorted()
                if let going = names.first(where: { ObservedPod(world.pods[$0]!).meta.isDeleting }) {
                    world.pods[going] = nil
                } else if let waiting = names.first(where: { !ObservedPod(world.pods[$0]!).isReady }) {
                    world.setReady(waiting, true)
                } else {
                    break
                }
            }
            #expect(world.sizes == [image: 3])
            #expect(world.decisions.count - known <= 10, "\(image)")
        }
        #expect(world.decisions.decisions(about: about).contains { $0 == before })
    }

    @Test func `a broken version stalls without harm, is reported, and undo clears it away`() {
        var world = rolledOut(3)
        world.broken = ["web:v3"]
        world.setImage("web:v3")
        world.finish()
        #expect(world.sizes == ["web:v1": 3, "web:v3": 1])
        #expect(world.readyCount == 3)
        world.now = world.now + .seconds(601)
        world.settle()
        #expect(world.condition("Progressing")["reason"] == "ProgressDeadlineExceeded")
        #expect(world.condition("Progressing")["status"] == "False")
        #expect(world.condition("Available")["status"] == "True")

        world.setImage("web:v1")
        world.finish()
        #expect(world.sizes == ["web:v1": 3])
        #expect(world.readyCount == 3 && world.liveCount == 3)
        #expect(world.condition("Progressing")["reason"] == "NewReplicaSetAvailable")
        #expect(world.set(of: "web:v1")["metadata"]["annotations"][Revisions.revision] == "3")
        #expect(world.set(of: "web:v1")["metadata"]["annotations"][Revisions.revisionHistory] == "1")
    }

    @Test func `replicas of an old version that are not ready go first`() {
        var world = rolledOut(4, surge: 1, unavailable: 1)
        let sick = world.pods.keys.sorted()[2]
        world.setReady(sick, false)
        world.settle()
        world.setImage("web:v2")
        world.settle()
        #expect(world.pods[sick]?["metadata"]["deletionTimestamp"].isNull == false)
        #expect(world.readyCount == 3)
    }

    @Test func `Recreate ends every old pod before the first new one`() {
        var world = rolledOut(2, strategy: "Recreate")
        world.setImage("web:v2")
        world.settle()
        #expect(world.pods.count == 2 && world.liveCount == 0)
        #expect(world.condition("Available")["status"] == "False")
        #expect(world.set(of: "web:v2").isNull)
        world.finish()
        #expect(world.sizes == ["web:v2": 2])
        #expect(world.readyCount == 2)
    }

    @Test func `a paused Deployment takes no new version but can be scaled`() {
        var world = rolledOut(3)
        world.set("paused", true)
        world.setImage("web:v2")
        world.set("replicas", 5)
        world.finish()
        #expect(world.sizes == ["web:v1": 5])
        #expect(world.condition("Progressing")["reason"] == "DeploymentPaused")
        world.set("paused", .null)
        world.finish()
        #expect(world.sizes == ["web:v2": 5])
    }

    @Test func `scaled in the middle of a rollout, every version keeps its share`() {
        var world = rolledOut(10, surge: 3, unavailable: 2)
        world.broken = ["web:v2"]
        world.setImage("web:v2")
        world.finish()
        #expect(world.sizes == ["web:v1": 8, "web:v2": 5])
        world.set("replicas", 15)
        world.deploymentPass()
        // 18 places for 13: the Kubernetes manual's own example.
        #expect(world.sizes == ["web:v1": 11, "web:v2": 7])
        world.finish()
        #expect(world.sizes["web:v1"] ?? 0 >= 13 - 2)
        world.set("replicas", 0)
        world.finish()
        #expect(world.sizes == [:] && world.liveCount == 0)
    }

    @Test func `a complete Deployment scales its one set`() {
        var world = rolledOut(3)
        world.set("replicas", 12)
        world.settle()
        #expect(world.sizes == ["web:v1": 12])
        #expect(world.condition("Available")["status"] == "False")
        world.finish()
        #expect(world.condition("Available")["status"] == "True")
        #expect(world.set(of: "web:v1")["metadata"]["annotations"][Revisions.desiredReplicas] == "12")
    }

    @Test func `old versions beyond the history limit are deleted, oldest first`() {
        var world = rolledOut(1)
        world.set("revisionHistoryLimit", 2)
        for version in 2...5 {
            world.setImage("web:v\(version)")
            world.finish()
        }
        #expect(world.sets.values.map { world.image(ofSet: $0) }.sorted() == ["web:v3", "web:v4", "web:v5"])
    }

    @Test func `the cause of a change goes with its version`() {
        var world = rolledOut(1)
        world.deployment["metadata"]["annotations"]["kubernetes.io/change-cause"] = "first"
        world.settle()
        world.deployment["metadata"]["annotations"]["kubernetes.io/change-cause"] = "second"
        world.setImage("web:v2")
        world.finish()
        #expect(world.set(of: "web:v1")["metadata"]["annotations"]["kubernetes.io/change-cause"] == "first")
        #expect(world.set(of: "web:v2")["metadata"]["annotations"]["kubernetes.io/change-cause"] == "second")
    }

    @Test func `minReadySeconds holds a rollout back`() {
        var world = TinyWorld(replicas: 2, surge: 1, unavailable: 0, minReady: 10)
        world.finish()
        world.now = world.now + .seconds(20)
        world.finish()
        world.setImage("web:v2")
        world.finish()
        #expect(world.sizes == ["web:v1": 2, "web:v2": 1])
        world.now = world.now + .seconds(10)
        world.settle()
        #expect(world.sizes == ["web:v1": 1, "web:v2": 2])
    }

    /// Two of four served nothing when the set's status was written; one of them serves again, of which the status does not tell yet.
    @Test func `a replica that has just become ready does not go with those that serve nothing`() throws {
        var world = rolledOut(4)
        world.setImage("web:v2")
        world.finish()
        #expect(world.sizes == ["web:v2": 4])
        let set = try #require(world.sets.keys.first { world.image(ofSet: world.sets[$0] ?? .null) == "web:v2" })
        world.sets[set]?["metadata"]["annotations"][Revisions.complete] = .null
        let pods = world.pods.keys.sorted()
        for name in pods.prefix(2) { world.setReady(name, false) }
        world.setPass(set)
        world.setReady(pods[0], true)
        world.setImage("web:v3")
        #expect(DeploymentPlan.looksAtPods(of: world.observed, world.sets.values.map { ObservedReplicaSet($0) }))
        world.deploymentPass()
        #expect(world.sizes == ["web:v2": 3, "web:v3": 1])
    }

    @Test func `a name that another template has is avoided`() {
        let world = TinyWorld(replicas: 1)
        let taken = StatusError(code: 409, reason: "AlreadyExists", message: "taken")
        let plan = DeploymentPlan.plan(.init(deployment: world.observed, sets: [], failure: taken), now: start)
        #expect(plan.body("status web")["status"]["collisionCount"] == 1)
    }

    @Test func `a pass on a settled world changes nothing`() {
        var world = rolledOut(3)
        #expect(world.deploymentPass().changes.isEmpty)
    }
}
