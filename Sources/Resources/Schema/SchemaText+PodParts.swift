/// Volumes, placement and status of pods.
extension SchemaText {
    static let volume = """
        Volume | A directory or file; exactly one source.
          name! string
          emptyDir EmptyDirVolumeSource | An empty directory that lives as long as the pod.
          hostPath HostPathVolumeSource | A path of this machine.
          configMap ConfigMapVolumeSource | The keys of a ConfigMap as files, updated while the pod runs.
          secret SecretVolumeSource | The keys of a Secret as files, updated while the pod runs.
          downwardAPI DownwardAPIVolumeSource | Fields of the pod as files.
          projected ProjectedVolumeSource | Several sources in one directory.
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
          serviceAccountToken~ ServiceAccountTokenProjection
          clusterTrustBundle~ any
          podCertificate~ any
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

    static let placement = """
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
          podAffinity~ PodAffinity
          podAntiAffinity~ PodAffinity
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

    static let podStatus = """
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
}
