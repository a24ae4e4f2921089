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
    locked: {
        local_off: string;
        no_cloud_key: string;
        environment: string;
    };
    models: string;
    here: string;
    missing: string;
    failed: string;
    downloading: (percent: number) => string;
    download: (name: string) => string;
    stop: (name: string) => string;
    isHere: (name: string) => string;
    notReached: string;
    refused: string;
    again: string;
}
/** Languages of the component. */
export type Language = "en" | "it";
/** The texts of a language. */
export declare const TEXTS: Readonly<Record<Language, Texts>>;
