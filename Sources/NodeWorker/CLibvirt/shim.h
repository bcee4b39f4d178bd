#pragma once
#include <stddef.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

// libvirt registers every kind of domain event by one function whose callback type is wrong for all but one of them,
// and casts by a macro that Swift does not see. One function per kind brings the types back.

static inline int clibvirt_register_lifecycle(
    virConnectPtr connection, virConnectDomainEventCallback callback, void *opaque, virFreeCallback release) {
  return virConnectDomainEventRegisterAny(
      connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int clibvirt_register_job_completed(
    virConnectPtr connection, virConnectDomainEventJobCompletedCallback callback, void *opaque,
    virFreeCallback release) {
  return virConnectDomainEventRegisterAny(
      connection, NULL, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int clibvirt_register_device_removed(
    virConnectPtr connection, virConnectDomainEventDeviceRemovedCallback callback, void *opaque,
    virFreeCallback release) {
  return virConnectDomainEventRegisterAny(
      connection, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

// Function-like macros for sets of CPUs.

static inline int clibvirt_cpu_map_length(int cpus) { return VIR_CPU_MAPLEN(cpus); }

static inline void clibvirt_use_cpu(unsigned char *map, int cpu) { VIR_USE_CPU(map, cpu); }
