/*
 * probe: asks guests for their SSH banner, to see when they are up and whether they ever stopped.
 *
 *   probe wait IP TIMEOUT    until IP greets; prints the seconds it took.  Exit 1 after TIMEOUT seconds.
 *   probe watch PID IP...    connects to each IP every 20 ms (beyond 10 of them every 2 ms per IP, to leave the machine
 *                            some time) until SIGINT, SIGTERM or the end of process PID.  Prints a line per answer,
 *                              TIME IP TICK MS GAP
 *                            (seconds since the start; the guest's own run time in s and ms; ms since its last answer),
 *                            and at the end one per guest,
 *                              summary IP answers=N first=MS last=MS gap=MS stopped=MS backwards=N silent=MS
 *                            gap        longest time without an answer
 *                            stopped    how much less the guest has run than time has passed, first to last answer
 *                            backwards  answers with a smaller run time than one known when the question was asked
 *                            silent     ms from its last answer to the end
 *                            Exit 1 if a guest never answered, went backwards or was silent for the last second.
 *
 * A question left without an answer (the guest is paused, its packets are lost) does not delay the next one, so the gap
 * is exact to the interval and not to TCP's retransmissions.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  SSH_PORT = 22,
  INTERVAL_MS = 20,
  BUSY_GUESTS = 10, /* beyond so many the interval grows */
  PATIENCE_MS = 500,  /* a question older than this is given up, or later where the interval is longer */
  PENDING = PATIENCE_MS / INTERVAL_MS + 1,
  SETTLED = 10,       /* answers whose best is taken as "without delay" at the start and at the end */
  SILENCE_MS = 1000,
};

struct question {
  int socket; /* -1: none */
  double asked;
  long known; /* the guest's run time that was known when it was asked, ms */
};

struct guest {
  const char *address;
  struct sockaddr_in peer;
  struct question questions[PENDING];
  unsigned next;
  unsigned long answers, backwards;
  long first, last, highest;
  double answered, gap; /* ms */
  /* Our time less the guest's, ms, at the start and at the end: grows by each moment in which the guest stood still. */
  double early, late[SETTLED];
};

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void give_up(struct question *question) {
  if (question->socket < 0) return;
  struct linger at_once = {1, 0}; /* reset: leaves nothing behind on either side */
  setsockopt(question->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(question->socket);
  question->socket = -1;
}

static void ask(struct guest *guest, int events) {
  struct question *question = &guest->questions[guest->next++ % PENDING];
  give_up(question);
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) return;
  if (connect(s, (struct sockaddr *)&guest->peer, sizeof guest->peer) && errno != EINPROGRESS) {
    close(s); /* no route at the moment: the next one may get through */
    return;
  }
  *question = (struct question){s, now_ms(), guest->highest};
  struct epoll_event event = {EPOLLIN, {.ptr = question}};
  epoll_ctl(events, EPOLL_CTL_ADD, s, &event);
}

/* Reads the banner; false if there is none.  `run_time` is -1 where the banner has no time (a real SSH server). */
static int read_banner(struct question *question, long *run_time) {
  char text[256];
  ssize_t length = recv(question->socket, text, sizeof text - 1, 0);
  give_up(question);
  if (length < 4 || strncmp(text, "SSH-", 4)) return 0;
  text[length] = 0;
  const char *field = strstr(text, " ms=");
  *run_time = field ? atol(field + 4) : -1;
  return 1;
}

static void note(struct guest *guest, long known, long run_time, double now, double started) {
  double difference = now - run_time, gap = guest->answers ? now - guest->answered : 0;
  if (!guest->answers) guest->first = run_time;
  if (run_time < known) guest->backwards++;
  if (run_time > guest->highest) guest->highest = run_time;
  if (gap > guest->gap) guest->gap = gap;
  if (guest->answers < SETTLED && (!guest->answers || difference < guest->early)) guest->early = difference;
  guest->late[guest->answers % SETTLED] = difference;
  guest->last = run_time, guest->answered = now, guest->answers++;
  printf("%.3f %s %ld %ld %.0f\n", (now - started) / 1e3, guest->address, run_time / 1000, run_time, gap);
}

static int summarize(const struct guest *guest, double now) {
  double stopped = guest->late[0], silent = guest->answers ? now - guest->answered : -1;
  for (unsigned i = 1; i < SETTLED && i < guest->answers; i++)
    if (guest->late[i] < stopped) stopped = guest->late[i];
  printf("summary %s answers=%lu first=%ld last=%ld gap=%.0f stopped=%.0f backwards=%lu silent=%.0f\n", guest->address,
    guest->answers, guest->first, guest->last, guest->gap, stopped - guest->early, guest->backwards, silent);
  return guest->answers && !guest->backwards && silent < SILENCE_MS;
}

static struct guest *guest_of(struct guest *guests, int count, const struct question *question) {
  for (int i = 0; i < count; i++)
    if (question >= guests[i].questions && question < guests[i].questions + PENDING) return &guests[i];
  abort();
}

int main(int count, char **arguments) {
  int waiting = count == 4 && !strcmp(arguments[1], "wait");
  if (!waiting && (count < 4 || strcmp(arguments[1], "watch"))) {
    fprintf(stderr, "usage: probe wait IP TIMEOUT | probe watch PID IP...\n");
    return 2;
  }
  int guest_count = waiting ? 1 : count - 3;
  char **addresses = arguments + (waiting ? 2 : 3);
  struct guest *guests = calloc(guest_count, sizeof *guests);
  for (int i = 0; i < guest_count; i++) {
    guests[i].address = addresses[i];
    guests[i].peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(SSH_PORT)};
    if (inet_pton(AF_INET, addresses[i], &guests[i].peer.sin_addr) != 1) {
      fprintf(stderr, "probe: not an IPv4 address: %s\n", addresses[i]);
      return 2;
    }
    for (int q = 0; q < PENDING; q++) guests[i].questions[q].socket = -1;
  }

  int events = epoll_create1(EPOLL_CLOEXEC);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  struct epoll_event ended = {EPOLLIN, {.ptr = NULL}};
  epoll_ctl(events, EPOLL_CTL_ADD, signalfd(-1, &signals, SFD_CLOEXEC), &ended);
  if (!waiting) epoll_ctl(events, EPOLL_CTL_ADD, pidfd_open(atoi(arguments[2]), 0), &ended);

  double started = now_ms(), deadline = waiting ? started + atof(arguments[3]) * 1e3 : 0, due = started;
  double step = (double)INTERVAL_MS / (guest_count < BUSY_GUESTS ? guest_count : BUSY_GUESTS);
  int turn = 0;
  for (;;) {
    double now = now_ms();
    while (now >= due) {
      ask(&guests[turn], events);
      turn = (turn + 1) % guest_count;
      due = now - due > INTERVAL_MS ? now + step : due + step; /* no catching up after a stall of our own */
    }
    if (waiting && now >= deadline) {
      fprintf(stderr, "probe: no banner from %s within %s s\n", arguments[2], arguments[3]);
      return 1;
    }
    struct epoll_event ready[64];
    int ready_count = epoll_wait(events, ready, 64, (int)(due - now) + 1);
    for (int i = 0; i < ready_count; i++) {
      struct question *question = ready[i].data.ptr;
      if (!question) {
        int good = 1;
        for (int g = 0; g < guest_count; g++) good &= summarize(&guests[g], now_ms());
        return good ? 0 : 1;
      }
      long known = question->known, run_time;
      if (question->socket < 0 || !read_banner(question, &run_time)) continue;
      if (waiting) {
        printf("%.3f\n", (now_ms() - started) / 1e3);
        return 0;
      }
      if (run_time >= 0) note(guest_of(guests, guest_count, question), known, run_time, now_ms(), started);
    }
    fflush(stdout);
  }
}
