names! {
    /// What may happen to an account: a closed list.
    ///
    /// Source: interface 7.5.
    pub enum EventKind {
        /// The contract is signed.
        ContractSigned = "contract_signed",
        /// Services are on.
        ServicesOn = "services_on",
        /// Devices stand at the subscriber's.
        EquipmentInstalled = "equipment_installed",
        /// Devices were taken away.
        EquipmentDismantled = "equipment_dismantled",
        /// There never was a device.
        EquipmentNeverIssued = "equipment_never_issued",
        /// Services are off: for debt, for a suspension, for good.
        ServicesOff = "services_off",
        /// The subscriber refuses service from a day on, in writing.
        RefusalApplied = "refusal_applied",
        /// An order to remove services and devices.
        RemovalOrderOpened = "removal_order_opened",
        /// Such an order is done.
        RemovalOrderClosed = "removal_order_closed",
        /// Act of return of the equipment.
        ActReturn = "act_return",
        /// Act of absence of the subscriber or equipment.
        ActAbsence = "act_absence",
        /// Equipment that was not handed in, with its cost.
        EquipmentNotReturned = "equipment_not_returned",
        /// The subscriber received the pre-trial notice of termination.
        NoticeReceived = "notice_received",
        /// Agreement on repayment by stages.
        AgreementSigned = "agreement_signed",
        /// An instalment of it was missed.
        AgreementMissed = "agreement_missed",
        /// The contract ends.
        ContractTerminated = "contract_terminated",
        /// The commission recognises a debt as hopeless.
        HopelessRecognised = "hopeless_recognised",
        /// It is written off.
        WrittenOff = "written_off",
        /// The commission finds charges fraudulent.
        FraudFound = "fraud_found",
        /// They are corrected.
        FraudAdjusted = "fraud_adjusted",
        /// The client asks to be connected again.
        Reapplied = "reapplied",
        /// Written application to move a credit balance.
        CreditMoveRequested = "credit_move_requested",
        /// It was moved.
        CreditMoved = "credit_moved",
        /// It was paid out.
        CreditRefunded = "credit_refunded",
        /// The subscriber belongs to another segment.
        SegmentChanged = "segment_changed",
        /// The premises have a new owner.
        OwnerChanged = "owner_changed",
        /// Services are off for a while, not for debt.
        Suspended = "suspended",
        /// Such a suspension ends.
        Resumed = "resumed",
        /// The subscriber told of a long absence.
        AbsenceTold = "absence_told",
        /// A charge is disputed.
        DisputeOpened = "dispute_opened",
        /// The dispute is settled.
        DisputeClosed = "dispute_closed",
        /// Warned of the roaming risk.
        RiskNotified = "risk_notified",
    }
}
