// @ts-check
// Asks for the token that `axon dashboard` prints.

import { post, tokenIn } from "../lib/api.js";
import { html } from "../lib/html.js";
import { mark } from "../lib/icons.js";
import { Part } from "../lib/part.js";

class LoginForm extends Part {
  #failure = "";
  #busy = false;
  place = null;

  actions = {
    send: async (/** @type {HTMLFormElement} */ form) => {
      const token = tokenIn(String(new FormData(form).get("token") ?? "").trim());
      this.#busy = true;
      this.update();
      try {
        await post("/api/login", { token });
        this.tell("logged-in");
      } catch (error) {
        const { status, message } = /** @type {any} */ (error);
        this.#failure = status === 401 ? "That is not this dashboard's token." : message;
      }
      this.#busy = false;
      this.update();
    },
  };

  view() {
    return html`<form class="login card" data-submit="send">${mark()}
      <h1>Open the dashboard</h1>
      <p>Paste the token, or the whole link, that <code>axon dashboard</code> has printed.</p>
      <label class="field"><span>Token</span><input name="token" type="password" autocomplete="current-password"
        required autofocus spellcheck="false"></label>
      <p class="bad" role="alert">${this.#failure}</p>
      <button class="button primary" ${this.#busy ? "disabled" : ""}>Open</button></form>`;
  }
}

customElements.define("login-form", LoginForm);
