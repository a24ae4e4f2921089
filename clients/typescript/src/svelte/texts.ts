/** What the component says. */
export interface Texts {
  title: string;
  preferLocal: string;
  preferLocalHint: string;
  fallbackToCloud: string;
  fallbackHint: string;
  consent: string;
  consentHint: string;
  /** Why a switch cannot be turned, by the code of the reason. */
  locked: { local_off: string; no_cloud_key: string; environment: string };
  models: string;
  here: string;
  missing: string;
  failed: string;
  downloading: (percent: number) => string;
  download: (name: string) => string;
  stop: (name: string) => string;
  isHere: (name: string) => string;
  notReached: string;
  again: string;
}

/** Languages of the component. */
export type Language = "en" | "it";

const EN: Texts = {
  title: "Where pictures are processed",
  preferLocal: "Prefer this computer",
  preferLocalHint: "Pictures are worked on here first.",
  fallbackToCloud: "Fall back to the cloud",
  fallbackHint: "What this computer cannot do is asked of a cloud service.",
  consent: "Pictures may leave this computer",
  consentHint: "Until you agree, nothing is sent, whatever else is on.",
  locked: {
    local_off: "Turn on “Prefer this computer” first: there is nothing to fall back from.",
    no_cloud_key: "No key of a cloud service is set up.",
    environment: "Set by whoever started the service.",
  },
  models: "Models",
  here: "here",
  missing: "missing",
  failed: "failed",
  downloading: (percent) => `downloading, ${percent}%`,
  download: (name) => `Download ${name}`,
  stop: (name) => `Stop the download of ${name}`,
  isHere: (name) => `${name} is here.`,
  notReached: "Darkroom was not reached. Is it running?",
  again: "Try again",
};

const IT: Texts = {
  title: "Dove vengono elaborate le immagini",
  preferLocal: "Preferisci questo computer",
  preferLocalHint: "Le immagini vengono elaborate prima qui.",
  fallbackToCloud: "Ricorri al cloud",
  fallbackHint: "Ciò che questo computer non riesce a fare viene chiesto a un servizio cloud.",
  consent: "Le immagini possono lasciare questo computer",
  consentHint: "Finché non acconsenti non viene inviato nulla, qualunque cosa sia attiva.",
  locked: {
    local_off: "Attiva prima «Preferisci questo computer»: non c’è nulla a cui rimediare.",
    no_cloud_key: "Non è configurata alcuna chiave di un servizio cloud.",
    environment: "Impostato da chi ha avviato il servizio.",
  },
  models: "Modelli",
  here: "presente",
  missing: "mancante",
  failed: "non riuscito",
  downloading: (percent) => `download in corso, ${percent}%`,
  download: (name) => `Scarica ${name}`,
  stop: (name) => `Interrompi il download di ${name}`,
  isHere: (name) => `${name} è presente.`,
  notReached: "Darkroom non è raggiungibile. È in esecuzione?",
  again: "Riprova",
};

/** The texts of a language. */
export const TEXTS: Readonly<Record<Language, Texts>> = { en: EN, it: IT };
