#pragma once
#include <mosquitto.h>
#include <mqtt_protocol.h>
/* Glibc's Swift module lacks eventfd. */
#include <sys/eventfd.h>
/* And this, which it declares for _GNU_SOURCE only. */
#include <pthread.h>
extern int pthread_setname_np(pthread_t thread, const char *name);
