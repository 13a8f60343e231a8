{{/* Head of a ValidatingAdmissionPolicy and its binding. Takes root, name, resource, operations, and what it says. */}}
{{- define "riposte.policy" -}}
{{- $fullname := include "riposte.fullname" .root -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $fullname }}-{{ .name }}
  labels:
    {{- include "riposte.labels" .root | nindent 4 }}
spec:
  policyName: {{ $fullname }}-{{ .name }}
  validationActions: {{ toJson .root.Values.admission.validationActions }}
  {{- include "riposte.policy.where" .root | nindent 2 }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $fullname }}-{{ .name }}
  labels:
    {{- include "riposte.labels" .root | nindent 4 }}
  annotations:
    riposte.dev/description: {{ .description | quote }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [riposte.dev]
        apiVersions: ["*"]
        operations: {{ toJson .operations }}
        resources: [{{ .resource }}]
{{- end }}

{{/* Where a policy holds: in the namespaces that this operator watches. */}}
{{- define "riposte.policy.where" -}}
{{- with .Values.watchNamespaces -}}
matchResources:
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values: {{ toJson . }}
{{- end }}
{{- end }}

{{/* The operator writes objects for others; who asked was checked before. */}}
{{- define "riposte.policy.operator" -}}
- name: not-the-operator
  expression: >-
    request.userInfo.username != 'system:serviceaccount:{{ .Release.Namespace }}:{{ include "riposte.account" . }}'
{{- end }}

{{/*
Metadata, status and finalizers are nobody's business here: so an object that is being deleted can always go. Nothing
else is let pass for it, or a finalizer would be a way around the policy.
*/}}
{{- define "riposte.policy.spec-changed" -}}
- name: spec-changed
  expression: oldObject == null || object.spec != oldObject.spec
{{- end }}

{{/* A playbook without what its operators may change. */}}
{{- define "riposte.policy.authored" -}}
- name: authored
  expression: >-
    oldObject == null || object.spec.transformMap(k, v, k != 'suspend', v) !=
    oldObject.spec.transformMap(k, v, k != 'suspend', v)
{{- end }}

{{/* Checks that the requester may `get` each Secret in variables.named. One check a Secret: their cost is limited. */}}
{{- define "riposte.policy.secrets" }}
    - name: secrets
      expression: variables.named.transformList(i, name, variables.named.indexOf(name) == i, name)
    - name: mayGetAll
      expression: authorizer.group('').resource('secrets').namespace(request.namespace).check('get').allowed()
  validations:
    - expression: size(variables.secrets) <= 20 || variables.mayGetAll
      reason: Forbidden
      messageExpression: >-
        "user '" + request.userInfo.username + "' must be allowed to get all Secrets of the namespace '" +
        request.namespace + "', because more than 20 are named; name at most 20"
    {{- range $i := until 20 }}
    - expression: >-
        size(variables.secrets) <= {{ $i }} || variables.mayGetAll ||
        authorizer.group('').resource('secrets').namespace(request.namespace).name(variables.secrets[{{ $i }}]).check('get').allowed()
      reason: Forbidden
      messageExpression: >-
        "user '" + request.userInfo.username + "' must be allowed to get the Secret '" + request.namespace + "/" +
        variables.secrets[{{ $i }}] + "' to name it here; grant the verb 'get' on it"
    {{- end }}
{{- end }}

{{/* Checks that the requester may attach each of variables.playbooks that is not in variables.oldPlaybooks. */}}
{{- define "riposte.policy.attach" }}
    - name: targets
      expression: >-
        variables.playbooks.map(p, (has(p.namespace) ? p.namespace : request.namespace) + '/' + p.name)
    - name: oldTargets
      expression: >-
        variables.oldPlaybooks.map(p, (has(p.namespace) ? p.namespace : request.namespace) + '/' + p.name)
    - name: mayAttachAll
      expression: authorizer.group('riposte.dev').resource('playbooks').check('attach').allowed()
    - name: mayAttachHere
      expression: authorizer.group('riposte.dev').resource('playbooks').namespace(request.namespace).check('attach').allowed()
  validations:
    {{- range $i := until 20 }}
    - expression: >-
        size(variables.targets) <= {{ $i }} || variables.targets[{{ $i }}] in variables.oldTargets ||
        variables.mayAttachAll ||
        (variables.targets[{{ $i }}].startsWith(request.namespace + '/') && variables.mayAttachHere) ||
        authorizer.group('riposte.dev').resource('playbooks').namespace(variables.targets[{{ $i }}].split('/')[0]).name(variables.targets[{{ $i }}].split('/')[1]).check('attach').allowed()
      reason: Forbidden
      messageExpression: >-
        "user '" + request.userInfo.username + "' must be allowed to attach the playbook '" +
        variables.targets[{{ $i }}] + "' to a rule; grant the verb 'attach' on it"
    {{- end }}
{{- end }}
