//! Keys change while a host runs, whatever interrupts that; and what an older version sealed opens.

#[path = "keys/crashes.rs"]
mod crashes;
#[path = "keys/erasing.rs"]
mod erasing;
#[path = "keys/first_form.rs"]
mod first_form;
#[path = "keys/rotation.rs"]
mod rotation;
#[path = "keys/service.rs"]
mod service;
#[path = "keys/world.rs"]
mod world;
