// @ts-check
// A part whose content comes from one address, read again when the task has moved on.

import { get } from "./api.js";
import { broken, loading } from "./head.js";
import { Part } from "./part.js";

export class Loaded extends Part {
  /** @type {any} */
  data = null;
  #failure = "";
  #from = "";
  #mark = "";

  /** Read `from`, unless that was done since `mark`. @param {string} from @param {string} [mark] */
  async load(from, mark = "") {
    if (from === this.#from && mark === this.#mark && mark) return;
    if (from !== this.#from) [this.data, this.#failure] = [null, ""];
    [this.#from, this.#mark] = [from, mark];
    try {
      const data = await get(from);
      if (from !== this.#from) return;
      [this.data, this.#failure] = [data, ""];
    } catch (error) {
      if (from !== this.#from) return;
      this.#failure = /** @type {any} */ (error).message;
    }
    if (this.isConnected) this.update();
  }

  /** @type {Record<string, (element: any, event: any) => void>} */
  actions = {
    again: () => {
      this.#mark = "";
      this.load(this.#from);
    },
  };

  view() {
    if (this.data) return this.show(this.data);
    return this.#failure ? broken(this.#failure) : loading(6);
  }

  /** @param {any} data @returns {import("./html.js").Markup} */
  show(data) {
    return data;
  }
}

/** What tells that a task has moved on. @param {any} task */
export const markOf = (task) => `${task.identifier} ${task.version} ${task.updated_at} ${task.state} ${task.sessions.length}`;
