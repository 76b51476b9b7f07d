/// The fields of every kind as text, one message or field a line; `SchemaTable` reads it once.
///
/// A line without indent names a message. A field line is `name flags type =quiet | description`:
/// - `!` after the name: required; `~`: known, kept, but nothing acts on it yet (`apply` warns, unless it has the quiet value after `=`);
/// - types: `string int long number bool quantity intOrString time microTime bytes any`, `string(A B)` for an enumeration, `{T}` for a map,
///   `[T]` for a list that patches replace, `[T by key]` and `[T set]` for lists that strategic merges join, `[T kept]` for one that is written
///   even when empty, or the name of a message;
/// - `retainKeys` or `replace` after a type: how a strategic merge treats the object (Kubernetes' patch strategies).
enum SchemaText {
    static let all = [meta, pod, container, volume, placement, podStatus, workload, service, cluster, configuration, steady]

    private static let meta = """
        ObjectMeta | Names the object and says where it belongs.
          name string | The object's name, unique in its namespace for its kind.
          generateName string | A prefix; the server appends five random characters where no name is given.
          namespace string | The room for names that the object lives in.
          selfLink string
          uid string | Given by the server; another object under the same name has another one.
          resourceVersion string | The revision of the object's last change.
          generation long | Counts the changes of spec.
          creationTimestamp time | When the server stored it first.
          deletionTimestamp time | When its deletion was asked for, plus the grace period.
          deletionGracePeriodSeconds long | How long it has for a graceful end.
          labels {string} | Short values that selectors match.
          annotations {string} | Free texts that tools keep with the object.
          ownerReferences [OwnerReference by uid] | What it belongs to; when all of them are gone, so is it.
          finalizers [string set] | Who must agree before it is removed.
          managedFields [any]
        OwnerReference | Points at the object that this one belongs to.
          apiVersion! string
          kind! string
          name! string
          uid! string
          controller bool | The one owner that manages this object.
          blockOwnerDeletion bool | A foreground deletion of the owner waits for this object.
        LabelSelector | Chooses objects by their labels; all requirements must hold.
          matchLabels {string} | Labels that must have exactly these values.
          matchExpressions [LabelSelectorRequirement] | Requirements with operators.
        LabelSelectorRequirement
          key! string | The label.
          operator! string(In NotIn Exists DoesNotExist)
          values [string] | For In and NotIn.
        LocalObjectReference
          name string | Of an object in the same namespace.
        ObjectReference
          kind string
          namespace string
          name string
          uid string
          apiVersion string
          resourceVersion string
          fieldPath string
        Condition | Something that is true, false or not known, and since when.
          type! string
          status! string(True False Unknown)
          observedGeneration long
          lastHeartbeatTime time
          lastProbeTime time
          lastUpdateTime time
          lastTransitionTime time | When status last changed.
          reason string | One word for machines.
          message string | A sentence for people.
          observedRevision string | For steady.dev/Withdrawn: the route revision that proxies must have reached.
        """

    private static let pod = """
        Pod | Processes that live and move together under one IP.
          spec PodSpec | What is wanted.
          status PodStatus | What is known; written by the system.
        PodTemplateSpec | What pods are made from.
          metadata ObjectMeta
          spec PodSpec
        PodSpec | Which programs run, where and how.
          volumes [Volume by name retainKeys] | Directories that containers can be shown.
          containers! [Container by name] | The programs; they live and end together.
          initContainers [Container by name] | Programs that run to their end before the others start, one after the other.
          ephemeralContainers~ [EphemeralContainer by name]
          restartPolicy string(Always OnFailure Never) | What follows when a container ends.
          terminationGracePeriodSeconds long | How long a pod has between being told to end and being killed.
          activeDeadlineSeconds~ long | After so many seconds the pod is failed.
          dnsPolicy~ string(ClusterFirst ClusterFirstWithHostNet Default None) =ClusterFirst
          nodeSelector {string} | Labels that the node must have.
          serviceAccountName~ string =default
          serviceAccount~ string =default
          automountServiceAccountToken~ bool =false
          nodeName string | The node it runs on; written by the scheduler.
          hostNetwork bool | Use the machine's addresses instead of an IP of its own.
          hostPID~ bool =false
          hostIPC~ bool =false
          hostUsers~ bool
          shareProcessNamespace~ bool =false
          securityContext PodSecurityContext | As whom the processes run.
          imagePullSecrets~ [LocalObjectReference by name]
          hostname~ string
          subdomain~ string
          affinity~ Affinity | Which nodes and neighbours it wants.
          schedulerName string | Who places it.
          tolerations [Toleration] | Taints that it bears.
          hostAliases~ [HostAlias by ip]
          priorityClassName~ string
          priority~ int =0
          dnsConfig~ PodDNSConfig
          readinessGates [PodReadinessGate] | Further conditions that must be true for the pod to be ready.
          runtimeClassName~ string
          enableServiceLinks bool | Give the addresses of Services to programs as environment variables.
          preemptionPolicy~ string(PreemptLowerPriority Never) =PreemptLowerPriority
          overhead {quantity} | Resources that the pod needs besides its containers.
          topologySpreadConstraints [TopologySpreadConstraint by topologyKey] | How evenly such pods must lie over zones or nodes.
          setHostnameAsFQDN~ bool =false
          os~ PodOS
          schedulingGates [PodSchedulingGate by name] | Not placed while there are any.
          resourceClaims~ [any]
          resources~ ResourceRequirements
        PodOS
          name! string(linux windows)
        PodReadinessGate
          conditionType! string
        PodSchedulingGate
          name! string
        HostAlias
          ip! string
          hostnames [string]
        PodDNSConfig
          nameservers [string]
          searches [string]
          options [PodDNSConfigOption]
        PodDNSConfigOption
          name string
          value string
        PodSecurityContext | As whom all containers of the pod run.
          runAsUser long | The user's number.
          runAsGroup long | The group's number.
          runAsNonRoot bool | Refuse to run as root.
          supplementalGroups [long] | Further groups.
          supplementalGroupsPolicy~ string(Merge Strict)
          fsGroup long | Group of the pod's own volumes.
          fsGroupChangePolicy~ string(Always OnRootMismatch)
          seLinuxOptions~ any
          seLinuxChangePolicy~ string
          sysctls~ [Sysctl]
          windowsOptions~ any
          seccompProfile~ SecurityProfile
          appArmorProfile~ SecurityProfile
        Sysctl
          name! string
          value string
        SecurityProfile
          type! string(RuntimeDefault Localhost Unconfined)
          localhostProfile string
        """

    private static let container = """
        EphemeralContainer
          name! string
          image string
          command [string]
          args [string]
          workingDir string
          ports [ContainerPort by containerPort]
          env [EnvVar by name]
          envFrom [EnvFromSource]
          resources ResourceRequirements
          resizePolicy [any]
          restartPolicy string
          volumeMounts [VolumeMount by mountPath]
          volumeDevices [VolumeDevice by devicePath]
          livenessProbe Probe
          readinessProbe Probe
          startupProbe Probe
          lifecycle Lifecycle
          terminationMessagePath string
          terminationMessagePolicy string
          imagePullPolicy string
          securityContext SecurityContext
          stdin bool
          stdinOnce bool
          tty bool
          targetContainerName string
        Container | One program of a pod.
          name! string | Unique in the pod.
          image string | The reference of an Image (steady.dev/v1), which says what is started.
          command [string] | Replaces the Image's command.
          args [string] | Replaces the Image's arguments.
          workingDir string | Where the program starts.
          ports [ContainerPort by containerPort] | Ports it listens on, with names that probes and Services can use.
          env [EnvVar by name] | Its environment.
          envFrom [EnvFromSource] | ConfigMaps and Secrets whose keys become its environment.
          resources ResourceRequirements | What it is promised and what it may take.
          resizePolicy~ [any]
          restartPolicy string(Always) | For init containers only: Always makes it a sidecar.
          volumeMounts [VolumeMount by mountPath] | Which volumes it is shown, and where.
          volumeDevices~ [VolumeDevice by devicePath]
          livenessProbe Probe | When this fails the container is restarted.
          readinessProbe Probe | While this fails the pod gets no traffic.
          startupProbe Probe | Until this succeeds the other probes wait.
          lifecycle Lifecycle | What is done after its start and before its end.
          terminationMessagePath~ string =/dev/termination-log
          terminationMessagePolicy~ string(File FallbackToLogsOnError) =File
          imagePullPolicy string(Always IfNotPresent Never) | Kept for Kubernetes; nothing is pulled here.
          securityContext SecurityContext | As whom it runs; wins over the pod's.
          stdin~ bool =false
          stdinOnce~ bool =false
          tty~ bool =false
        ContainerPort
          name string | A name that probes and Services can use.
          hostPort~ int
          containerPort! int | The port the program listens on.
          protocol string(TCP UDP SCTP)
          hostIP~ string
        EnvVar
          name! string
          value string | May refer to earlier variables as $(NAME).
          valueFrom EnvVarSource | Where the value comes from instead.
        EnvVarSource
          fieldRef ObjectFieldSelector | A field of the pod.
          resourceFieldRef ResourceFieldSelector | A container's request or limit.
          configMapKeyRef KeySelector
          secretKeyRef KeySelector
        ObjectFieldSelector
          apiVersion string
          fieldPath! string
        ResourceFieldSelector
          containerName string
          resource! string
          divisor quantity
        KeySelector
          name string
          key! string
          optional bool | Go on without it where it is missing.
        EnvFromSource
          prefix string
          configMapRef EnvSource
          secretRef EnvSource
        EnvSource
          name string
          optional bool
        ResourceRequirements
          limits~ {quantity} | The most it may take.
          requests {quantity} | What the scheduler reserves for it.
          claims~ [any]
        VolumeMount
          name! string | Of the pod's volume.
          readOnly~ bool
          mountPath! string | Where the program finds it, below the pod's own root.
          subPath string | A file or folder of the volume instead of all of it.
          subPathExpr~ string
          mountPropagation~ string(None HostToContainer Bidirectional) =None
          recursiveReadOnly~ string
        VolumeDevice
          name! string
          devicePath! string
        Probe | A question put to the program again and again.
          exec ExecAction
          httpGet HTTPGetAction
          tcpSocket TCPSocketAction
          grpc~ GRPCAction
          initialDelaySeconds int | How long after the start the first question waits.
          timeoutSeconds int | How long an answer may take.
          periodSeconds int | The time between questions.
          successThreshold int | So many successes in a row are a success.
          failureThreshold int | So many failures in a row are a failure.
          terminationGracePeriodSeconds long | Replaces the pod's where this probe ends the container.
        ExecAction
          command [string] | Run without a shell; exit code 0 is success.
        HTTPGetAction
          path string
          port! intOrString | A number, or the name of one of the container's ports.
          host string | Instead of the pod's IP.
          scheme string(HTTP HTTPS)
          httpHeaders [HTTPHeader]
        HTTPHeader
          name! string
          value string
        TCPSocketAction
          port! intOrString | A number, or the name of one of the container's ports.
          host string
        GRPCAction
          port! int
          service string
        SleepAction
          seconds! long
        Lifecycle
          postStart LifecycleHandler | Right after the start; a failure ends the container.
          preStop LifecycleHandler | Before the container is told to end.
          stopSignal~ string
        LifecycleHandler
          exec ExecAction
          httpGet HTTPGetAction
          tcpSocket~ TCPSocketAction
          sleep SleepAction
        SecurityContext
          runAsUser long
          runAsGroup long
          runAsNonRoot bool
          capabilities~ Capabilities
          privileged~ bool =false
          readOnlyRootFilesystem~ bool =false
          allowPrivilegeEscalation~ bool =false
          procMount~ string(Default Unmasked)
          seLinuxOptions~ any
          windowsOptions~ any
          seccompProfile~ SecurityProfile
          appArmorProfile~ SecurityProfile
        Capabilities
          add [string]
          drop [string]
        """

    private static let volume = """
        Volume | A directory or file; exactly one source.
          name! string
          emptyDir EmptyDirVolumeSource | An empty directory that lives as long as the pod.
          hostPath HostPathVolumeSource | A path of this machine.
          configMap ConfigMapVolumeSource | The keys of a ConfigMap as files, updated while the pod runs.
          secret SecretVolumeSource | The keys of a Secret as files, updated while the pod runs.
          downwardAPI~ DownwardAPIVolumeSource
          projected~ ProjectedVolumeSource
          persistentVolumeClaim~ PersistentVolumeClaimVolumeSource
          ephemeral~ any
          csi~ any
          image~ any
          nfs~ any
          gcePersistentDisk~ any
          awsElasticBlockStore~ any
          gitRepo~ any
          iscsi~ any
          glusterfs~ any
          rbd~ any
          flexVolume~ any
          cinder~ any
          cephfs~ any
          flocker~ any
          fc~ any
          azureFile~ any
          azureDisk~ any
          vsphereVolume~ any
          quobyte~ any
          photonPersistentDisk~ any
          portworxVolume~ any
          scaleIO~ any
          storageos~ any
        EmptyDirVolumeSource
          medium~ string
          sizeLimit~ quantity
        HostPathVolumeSource
          path! string
          type string
        KeyToPath
          key! string
          path! string
          mode int
        ConfigMapVolumeSource
          name string
          items [KeyToPath] | Which keys become which files; all where absent.
          defaultMode int
          optional bool
        SecretVolumeSource
          secretName string
          items [KeyToPath] | Which keys become which files; all where absent.
          defaultMode int
          optional bool
        DownwardAPIVolumeSource
          items [DownwardAPIVolumeFile]
          defaultMode int
        DownwardAPIVolumeFile
          path! string
          fieldRef ObjectFieldSelector
          resourceFieldRef ResourceFieldSelector
          mode int
        ProjectedVolumeSource
          sources [VolumeProjection]
          defaultMode int
        VolumeProjection
          secret NamedProjection
          configMap NamedProjection
          downwardAPI DownwardAPIVolumeSource
          serviceAccountToken ServiceAccountTokenProjection
          clusterTrustBundle any
          podCertificate any
        NamedProjection
          name string
          items [KeyToPath]
          optional bool
        ServiceAccountTokenProjection
          audience string
          expirationSeconds long
          path! string
        PersistentVolumeClaimVolumeSource
          claimName! string
          readOnly bool
        """

    private static let placement = """
        Toleration
          key string | The taint's key; empty with Exists bears every taint.
          operator string(Equal Exists)
          value string
          effect string(NoSchedule PreferNoSchedule NoExecute)
          tolerationSeconds long | How long NoExecute is borne; for ever where absent.
        TopologySpreadConstraint
          maxSkew! int | By how many pods two domains may differ.
          topologyKey! string | The node label whose values are the domains.
          whenUnsatisfiable! string(DoNotSchedule ScheduleAnyway)
          labelSelector LabelSelector | Which pods are counted.
          minDomains int
          nodeAffinityPolicy~ string(Honor Ignore)
          nodeTaintsPolicy~ string(Honor Ignore)
          matchLabelKeys [string]
        Affinity
          nodeAffinity NodeAffinity
          podAffinity PodAffinity
          podAntiAffinity PodAffinity
        NodeAffinity
          requiredDuringSchedulingIgnoredDuringExecution NodeSelector
          preferredDuringSchedulingIgnoredDuringExecution [PreferredSchedulingTerm]
        NodeSelector
          nodeSelectorTerms! [NodeSelectorTerm]
        NodeSelectorTerm
          matchExpressions [NodeSelectorRequirement]
          matchFields [NodeSelectorRequirement]
        NodeSelectorRequirement
          key! string
          operator! string(In NotIn Exists DoesNotExist Gt Lt)
          values [string]
        PreferredSchedulingTerm
          weight! int
          preference! NodeSelectorTerm
        PodAffinity
          requiredDuringSchedulingIgnoredDuringExecution [PodAffinityTerm]
          preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm]
        PodAffinityTerm
          labelSelector LabelSelector
          namespaces [string]
          topologyKey! string
          namespaceSelector LabelSelector
          matchLabelKeys [string]
          mismatchLabelKeys [string]
        WeightedPodAffinityTerm
          weight! int
          podAffinityTerm! PodAffinityTerm
        """

    private static let podStatus = """
        PodStatus
          observedGeneration long
          phase string(Pending Running Succeeded Failed Unknown) | Where the pod is in its life.
          conditions [Condition by type]
          message string
          reason string
          nominatedNodeName string
          hostIP string
          hostIPs [PodIP by ip]
          podIP string | The address under which its ports are reached.
          podIPs [PodIP by ip]
          startTime time
          initContainerStatuses [ContainerStatus]
          containerStatuses [ContainerStatus]
          ephemeralContainerStatuses [ContainerStatus]
          qosClass string(Guaranteed Burstable BestEffort)
          resize string
          resourceClaimStatuses [any]
        PodIP
          ip string
        ContainerStatus
          name! string
          state ContainerState
          lastState ContainerState
          ready! bool
          restartCount! int
          image! string
          imageID! string
          containerID string
          started bool
          allocatedResources {quantity}
          resources ResourceRequirements
          volumeMounts [any]
          user any
          stopSignal string
        ContainerState
          waiting ContainerStateWaiting
          running ContainerStateRunning
          terminated ContainerStateTerminated
        ContainerStateWaiting
          reason string
          message string
        ContainerStateRunning
          startedAt time
        ContainerStateTerminated
          exitCode! int
          signal int
          reason string
          message string
          startedAt time
          finishedAt time
          containerID string
        """

    private static let workload = """
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

    private static let service = """
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
          externalName~ string
          externalTrafficPolicy~ string(Cluster Local) =Cluster
          internalTrafficPolicy~ string(Cluster Local) =Cluster
          healthCheckNodePort~ int
          publishNotReadyAddresses bool | Route to pods that are not ready, too.
          sessionAffinityConfig SessionAffinityConfig
          ipFamilies [string]
          ipFamilyPolicy~ string(SingleStack PreferDualStack RequireDualStack) =SingleStack
          allocateLoadBalancerNodePorts bool
          loadBalancerClass~ string
          trafficDistribution~ string
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

    private static let cluster = """
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

    private static let configuration = """
        ConfigMap | Names and texts that programs read.
          data {string}
          binaryData {bytes} | Base64.
          immutable bool | Can never be changed again.
        Secret | Names and bytes that programs read and others should not.
          data {bytes} | Base64.
          stringData {string} | Plain texts; the server moves them into data.
          type string
          immutable bool | Can never be changed again.
        """

    private static let steady = """
        Image | Says what a container's image means: which program is started, and how.
          spec! ImageSpec
        ImageSpec
          reference! string | What manifests write as image; web, web:latest and docker.io/library/web:latest are one.
          command [string] | The program, by its absolute path, and its first arguments.
          args [string] | Further arguments; a container's replace them.
          workingDir string | An absolute path; the pod's own directory where absent.
          env [EnvVar by name] | Environment; a container's wins.
          ports [ContainerPort by containerPort] | Ports the program listens on.
        ProxyStatus | What one proxy routes by, and what it still has to finish.
          spec ProxySpec
          status ProxyStatusStatus
        ProxySpec
          node string
        ProxyStatusStatus
          routeRevision string | Every change of Services and EndpointSlices up to this revision is in its table.
          endpoints [ProxyEndpoint] | Terminating endpoints with open exchanges.
          activeFlows int
          conditions [Condition by type]
        ProxyEndpoint
          address! string
          activeExchanges int
          activeFlows int
        """
}
