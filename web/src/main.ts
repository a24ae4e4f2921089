import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { speech } from "./lib/i18n/index.svelte";
import { route } from "./lib/route.svelte";

route.start();
await speech.start();
mount(App, { target: document.getElementById("page") as HTMLElement });
