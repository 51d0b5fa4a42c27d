// @ts-check
// Recorded sessions: the list of them, or one played again.

import { html } from "../lib/html.js";
import { Part } from "../lib/part.js";
import "./replay-session.js";
import "./session-list.js";

class ReplayView extends Part {
  #id = "";
  #at = 0;

  /** @param {any} place */
  set place({ rest: [id = ""], query }) {
    this.#id = id;
    this.#at = Number(query.get("at")) || 0;
    if (this.isConnected) this.draw();
  }

  view() {
    return this.#id ? html`<replay-session data-key="s-${this.#id}"></replay-session>` : html`<session-list></session-list>`;
  }

  drawn() {
    const part = /** @type {any} */ (this.querySelector("replay-session"));
    if (part) part.at = { id: this.#id, seq: this.#at };
  }
}

customElements.define("replay-view", ReplayView);
