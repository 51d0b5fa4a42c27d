// @ts-check
// What the page knows, in one place; whoever shows some of it hears "issues", "team", "events", "me", "link".

const KEPT_EVENTS = 2000;

class Store extends EventTarget {
  /** @type {any} who may do what; null until known */
  me = null;
  /** @type {any} the run and its workers; null until known */
  team = null;
  /** @type {Map<string, any>} tasks by identifier */
  issues = new Map();
  loaded = false;
  total = 0;
  /** @type {any[]} newest last */
  events = [];
  last = 0;
  /** @type {"connecting" | "online" | "away"} */
  link = "connecting";
  failure = "";

  /** @param {string} name */
  #tell(name) {
    this.dispatchEvent(new Event(name));
  }

  /** @param {any} me */
  setMe(me) {
    this.me = me;
    this.#tell("me");
  }

  /** @param {any} team */
  setTeam(team) {
    this.team = { ...team, seen: Date.now() / 1000 };
    this.#tell("team");
  }

  /** @param {any[]} issues @param {number} total */
  setIssues(issues, total) {
    this.issues = new Map(issues.map((task) => [task.identifier, task]));
    this.total = total;
    this.loaded = true;
    this.failure = "";
    this.#tell("issues");
  }

  /** Take over newer facts of some tasks. @param {any[]} issues @param {number} [total] of all there are */
  merge(issues, total) {
    for (const task of issues) {
      if (!this.issues.has(task.identifier)) this.total += 1;
      this.issues.set(task.identifier, { ...this.issues.get(task.identifier), ...task });
    }
    this.total = total ?? this.total;
    this.#tell("issues");
  }

  /** @param {string[]} identifiers */
  forget(identifiers) {
    for (const identifier of identifiers) {
      if (this.issues.delete(identifier)) this.total -= 1;
    }
    this.#tell("issues");
  }

  /** Each event once, in order; answers whether it is new. @param {any} event */
  addEvent(event) {
    if (event.seq <= this.last) return false;
    this.last = event.seq;
    this.events.push(event);
    if (this.events.length > KEPT_EVENTS * 1.5) this.events = this.events.slice(-KEPT_EVENTS);
    const task = event.after && this.issues.get(event.identifier);
    if (task && task.state !== event.after) {
      this.issues.set(event.identifier, { ...task, state: event.after, updated_at: event.at });
      this.#tell("issues");
    }
    this.#tell("events");
    return true;
  }

  /** The history before the stream; `last` is where the stream goes on. @param {any[]} events @param {number} last */
  setEvents(events, last) {
    this.events = events;
    this.last = last;
    this.#tell("events");
  }

  /** @param {"connecting" | "online" | "away"} link */
  setLink(link) {
    if (this.link === link) return;
    this.link = link;
    this.#tell("link");
  }

  /** @param {string} failure */
  fail(failure) {
    this.failure = failure;
    this.#tell("issues");
    this.#tell("team");
  }
}

export const store = new Store();
