/// What a pod is: its spec, its containers.
extension SchemaText {
    static let pod = """
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
          activeDeadlineSeconds long | After so many seconds the pod is failed.
          dnsPolicy string(ClusterFirst ClusterFirstWithHostNet Default None) | Who answers its programs' questions about names: the cluster, or the machine's resolvers alone.
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
          hostname string | Its name below that of the headless Service that subdomain names.
          subdomain string | The headless Service below whose name in DNS it has one.
          affinity Affinity | Which nodes and neighbours it wants.
          schedulerName string | Who places it.
          tolerations [Toleration] | Taints that it bears.
          hostAliases~ [HostAlias by ip]
          priorityClassName~ string
          priority~ int =0
          dnsConfig PodDNSConfig | Where its programs look for short names, and how.
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
          nameservers~ [string]
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
          fsGroup long | A further group of every process; the pod's own volumes are open to all of it.
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

    static let container = """
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
          hostPort~ int =0
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
          limits {quantity} | The most it may take.
          requests {quantity} | What the scheduler reserves for it.
          claims~ [any]
        VolumeMount
          name! string | Of the pod's volume.
          readOnly~ bool
          mountPath! string | Where the program finds it, below the pod's own root.
          subPath string | A file or folder of the volume instead of all of it.
          subPathExpr string | Like subPath; $(NAME) in it stands for a variable of the container.
          mountPropagation~ string(None HostToContainer Bidirectional) =None
          recursiveReadOnly~ string
        VolumeDevice
          name! string
          devicePath! string
        Probe | A question put to the program again and again.
          exec ExecAction
          httpGet HTTPGetAction
          tcpSocket TCPSocketAction
          grpc GRPCAction
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
          scheme string(HTTP HTTPS) | HTTPS: succeeds when the port begins a TLS handshake; the status is not asked for.
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
          stopSignal string | Sent instead of SIGTERM.
        LifecycleHandler
          exec ExecAction
          httpGet HTTPGetAction
          tcpSocket TCPSocketAction
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
}
