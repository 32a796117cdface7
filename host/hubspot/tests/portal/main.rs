//! The client against a scripted HubSpot: each test says what the server answers and looks at what was asked.

mod calls;
mod descriptions;
mod journal;
mod oauth;
mod reads;
mod server;
mod writes;
