/// Workloads, Services and the cluster.
extension SchemaText {
    static let workload = """
        Deployment | Keeps so many pods of a template running and replaces them, revision by revision, when it changes.
          spec DeploymentSpec
          status DeploymentStatus
        DeploymentSpec
          replicas int | How many pods; 1 where absent.
          selector! LabelSelector | Which pods are its own; cannot be changed.
          template! PodTemplateSpec | What its pods are made from.
          strategy DeploymentStrategy retainKeys | How old pods are replaced by new ones.
          minReadySeconds int | How long a pod must be ready to count as available.
          revisionHistoryLimit int | How many old ReplicaSets are kept for undo.
          paused bool | Changes of the template wait.
          progressDeadlineSeconds int | After so long without progress a roll counts as stalled.
        DeploymentStrategy
          type string(RollingUpdate Recreate)
          rollingUpdate RollingUpdateDeployment
        RollingUpdateDeployment
          maxUnavailable intOrString | How many pods may be missing during a roll; a percentage is rounded down.
          maxSurge intOrString | How many pods may be there beyond replicas; a percentage is rounded up.
        DeploymentStatus
          observedGeneration long
          replicas int
          updatedReplicas int
          readyReplicas int
          availableReplicas int
          unavailableReplicas int
          terminatingReplicas int
          conditions [Condition by type]
          collisionCount int
        ReplicaSet | Keeps so many pods of one template running.
          spec ReplicaSetSpec
          status ReplicaSetStatus
        ReplicaSetSpec
          replicas int | How many pods; 1 where absent.
          minReadySeconds int | How long a pod must be ready to count as available.
          selector! LabelSelector | Which pods are its own; cannot be changed.
          template PodTemplateSpec | What its pods are made from.
        ReplicaSetStatus
          replicas int
          fullyLabeledReplicas int
          readyReplicas int
          availableReplicas int
          terminatingReplicas int
          observedGeneration long
          conditions [Condition by type]
        """

    static let service = """
        Service | One address for the ready pods that a selector matches.
          spec ServiceSpec
          status ServiceStatus
        ServiceSpec
          ports [ServicePort by port] | What is served, and on which port of the pods.
          selector {string} | Labels of the pods behind it.
          clusterIP string | Its address; given by the server, None for a headless one.
          clusterIPs [string]
          type string(ClusterIP NodePort LoadBalancer ExternalName) | How far it can be reached.
          externalIPs~ [string]
          sessionAffinity string(ClientIP None) | ClientIP sends a client to the same pod again.
          loadBalancerIP~ string
          loadBalancerSourceRanges~ [string]
          externalName string | What its name stands for, with type ExternalName.
          externalTrafficPolicy~ string(Cluster Local) =Cluster
          internalTrafficPolicy~ string(Cluster Local) =Cluster
          healthCheckNodePort~ int =0
          publishNotReadyAddresses bool | Route to pods that are not ready, too.
          sessionAffinityConfig SessionAffinityConfig
          ipFamilies [string]
          ipFamilyPolicy~ string(SingleStack PreferDualStack RequireDualStack) =SingleStack
          allocateLoadBalancerNodePorts bool
          loadBalancerClass~ string
          trafficDistribution string(PreferClose PreferSameNode PreferSameZone) | Keeps pods' traffic near them; PreferClose is PreferSameZone.
        ServicePort
          name string | Needed where there are several.
          protocol string(TCP UDP SCTP)
          appProtocol string | http: requests are balanced one by one.
          port! int | The port of the Service.
          targetPort intOrString | The port of the pods, by number or name; the same where absent.
          nodePort int | The port on every node, for NodePort and LoadBalancer.
        SessionAffinityConfig
          clientIP ClientIPConfig
        ClientIPConfig
          timeoutSeconds int
        ServiceStatus
          loadBalancer LoadBalancerStatus
          conditions [Condition by type]
        LoadBalancerStatus
          ingress [LoadBalancerIngress]
        LoadBalancerIngress
          ip string
          hostname string
          ipMode string
          ports [any]
        EndpointSlice | The pods behind a Service and what traffic they take.
          addressType! string(IPv4 IPv6 FQDN)
          endpoints [Endpoint kept]
          ports [EndpointPort]
        Endpoint
          addresses! [string]
          conditions EndpointConditions
          hostname string
          targetRef ObjectReference replace
          deprecatedTopology {string}
          nodeName string
          zone string
          hints EndpointHints
        EndpointConditions
          ready bool | Takes new traffic.
          serving bool | Answers its readiness probe, even while it ends.
          terminating bool | Is on its way out.
        EndpointHints
          forZones [EndpointHint]
          forNodes [EndpointHint]
        EndpointHint
          name! string
        EndpointPort
          name string
          protocol string(TCP UDP SCTP)
          port int
          appProtocol string
        """

    static let cluster = """
        Namespace | A room for names.
          spec NamespaceSpec
          status NamespaceStatus
        NamespaceSpec
          finalizers [string]
        NamespaceStatus
          phase string(Active Terminating)
          conditions [Condition by type]
        Node | A simulated machine: an agent and the processes it started.
          spec NodeSpec
          status NodeStatus
        NodeSpec
          podCIDR string
          podCIDRs [string set]
          providerID string
          unschedulable bool | No new pods come here.
          taints [Taint] | What keeps pods away, or drives them off.
          configSource any
          externalID string
        Taint
          key! string
          value string
          effect! string(NoSchedule PreferNoSchedule NoExecute)
          timeAdded time
        NodeStatus
          capacity {quantity}
          allocatable {quantity}
          phase string
          conditions [Condition by type]
          addresses [NodeAddress by type]
          daemonEndpoints any
          nodeInfo NodeSystemInfo
          images [any]
          volumesInUse [string]
          volumesAttached [any]
          config any
          runtimeHandlers [any]
          features any
          declaredFeatures [string]
        NodeAddress
          type! string
          address! string
        NodeSystemInfo
          machineID string
          systemUUID string
          bootID string
          kernelVersion string
          osImage string
          containerRuntimeVersion string
          kubeletVersion string
          kubeProxyVersion string
          operatingSystem string
          architecture string
          swap any
        PodDisruptionBudget | How many pods of a set evictions may take away at a time; rolls obey their strategy instead.
          spec DisruptionBudgetSpec
          status DisruptionBudgetStatus
        DisruptionBudgetSpec
          minAvailable intOrString | So many must stay healthy: a number, or a share such as 50%.
          maxUnavailable intOrString | So many may be missing; not together with minAvailable.
          selector LabelSelector replace | Whose pods; an empty one selects every pod of the namespace.
          unhealthyPodEvictionPolicy string(IfHealthyBudget AlwaysAllow) | Whether pods that are not ready may go although too few are healthy.
        DisruptionBudgetStatus
          observedGeneration long
          disruptedPods {time} | Evicted, and not seen to go yet.
          disruptionsAllowed int | So many pods may be evicted now.
          currentHealthy int
          desiredHealthy int
          expectedPods int
          conditions [Condition by type]
        Lease | Proof that its holder lives.
          spec LeaseSpec
        LeaseSpec
          holderIdentity string
          leaseDurationSeconds int
          acquireTime microTime
          renewTime microTime
          leaseTransitions int | How often it changed hands.
          strategy string
          preferredHolder string
        Event | Something that happened to an object.
          involvedObject! ObjectReference
          reason string
          message string
          source EventSource
          firstTimestamp time
          lastTimestamp time
          count int
          type string
          eventTime microTime
          series EventSeries
          action string
          related ObjectReference
          reportingComponent string
          reportingInstance string
        EventSource
          component string
          host string
        EventSeries
          count int
          lastObservedTime microTime
        """
}
